//! Words that a language has for grammar: articles, pronouns, auxiliaries, question words.
//!
//! **Invariant:** lists are folded and ascend, to be searched. Called by the analyzer only.

/// Of English.
#[rustfmt::skip]
pub(super) const ENGLISH: &[&str] = &[
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "aren't", "as", "at", "be",
    "been", "being", "both", "but", "by", "can", "can't", "cannot", "could", "couldn't", "did",
    "didn't", "do", "does", "doesn't", "doing", "don't", "each", "for", "from", "had", "hadn't",
    "has", "hasn't", "have", "haven't", "having", "he", "he'd", "he'll", "he's", "her", "here",
    "here's", "hers", "herself", "him", "himself", "his", "how", "how's", "i", "i'd", "i'll", "i'm",
    "i've", "if", "in", "into", "is", "isn't", "it", "it's", "its", "itself", "just", "let's",
    "may", "me", "might", "mine", "must", "mustn't", "my", "myself", "no", "nor", "not", "of", "on",
    "only", "or", "our", "ours", "ourselves", "own", "same", "shall", "shan't", "she", "she'd",
    "she'll", "she's", "should", "shouldn't", "so", "some", "such", "than", "that", "that's", "the",
    "their", "theirs", "them", "themselves", "then", "there", "there's", "these", "they", "they'd",
    "they'll", "they're", "they've", "this", "those", "to", "too", "us", "very", "was", "wasn't",
    "we", "we'd", "we'll", "we're", "we've", "were", "weren't", "what", "what's", "when", "when's",
    "where", "where's", "which", "who", "who's", "whom", "whose", "why", "why's", "will", "with",
    "won't", "would", "wouldn't", "you", "you'd", "you'll", "you're", "you've", "your", "yours",
    "yourself",
];

#[cfg(test)]
mod tests {
    #[test]
    fn lists_ascend() {
        assert!(super::ENGLISH.is_sorted_by(|a, b| a < b));
    }
}
