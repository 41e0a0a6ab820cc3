//! How many letters two words differ by.
//!
//! A letter too many, too few, another one, or two neighbours that changed places count one each (the
//! optimal string alignment distance). Terms of a sorted dictionary share beginnings, so the rows of the
//! table are kept from one term to the next; a beginning that is too far off says so, and everything
//! that begins alike can be left out.
//!
//! **Invariant:** work for a term is bounded by the lengths of both words.

/// The most letters that words may differ by.
pub const MAX_TYPOS: u8 = 2;

/// Compares one word with term after term.
pub(in crate::text) struct Automaton {
    word: Vec<char>,
    typos: u8,
    /// Of the term that was looked at last.
    term: Vec<char>,
    /// Row `i` is of its first `i` letters: distances to beginnings of the word.
    rows: Vec<Vec<u8>>,
}

/// What is known of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) enum Verdict {
    /// It differs by so many letters.
    Near(u8),
    /// It does not match, but one that begins with it might.
    Far,
    /// Nothing that begins with its first so many bytes matches.
    Dead(usize),
}

impl Automaton {
    pub(in crate::text) fn new(word: &str, typos: u8) -> Self {
        let word: Vec<char> = word.chars().collect();
        let typos = typos.min(MAX_TYPOS);
        let first = (0..=word.len()).map(|at| at.min(usize::from(u8::MAX)) as u8).collect();
        Self { word, typos, term: Vec::new(), rows: vec![first] }
    }

    pub(in crate::text) fn look_at(&mut self, term: &str) -> Verdict {
        let mut bytes = 0;
        for (at, letter) in term.chars().enumerate() {
            bytes += letter.len_utf8();
            if self.term.get(at) != Some(&letter) {
                self.term.truncate(at);
                self.rows.truncate(at + 1);
                self.push(letter);
            }
            if self.rows[at + 1].iter().all(|&distance| distance > self.typos) {
                return Verdict::Dead(bytes);
            }
        }
        let letters = term.chars().count();
        match self.rows[letters].last() {
            Some(&distance) if distance <= self.typos => Verdict::Near(distance),
            _ => Verdict::Far,
        }
    }

    fn push(&mut self, letter: char) {
        let at = self.term.len();
        let before = &self.rows[at];
        let mut row = Vec::with_capacity(before.len());
        row.push(before[0].saturating_add(1));
        for (i, &wanted) in self.word.iter().enumerate() {
            let mut distance = before[i].saturating_add(u8::from(wanted != letter));
            distance = distance.min(before[i + 1].saturating_add(1)).min(row[i].saturating_add(1));
            if at > 0 && i > 0 && self.term[at - 1] == wanted && self.word[i - 1] == letter {
                distance = distance.min(self.rows[at - 1][i - 1].saturating_add(1));
            }
            row.push(distance);
        }
        self.rows.push(row);
        self.term.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str) -> usize {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
        for i in 1..=a.len() {
            let mut row = vec![i];
            for j in 1..=b.len() {
                let mut least = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                least = least.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                row.push(least);
            }
            rows.push(row);
        }
        rows[a.len()][b.len()]
    }

    #[test]
    fn it_agrees_with_the_whole_table_in_any_order() {
        let mut terms = Vec::new();
        for a in ["", "a", "ab", "ba", "abc", "äbc", "acb", "abcd", "abdc", "xyz", "aabbc"] {
            for b in ["", "b", "c", "ca", "d"] {
                terms.push(format!("{a}{b}"));
            }
        }
        terms.sort();
        terms.dedup();
        for typos in 0..=MAX_TYPOS {
            for word in &terms {
                let mut automaton = Automaton::new(word, typos);
                for term in &terms {
                    let far = distance(word, term);
                    match automaton.look_at(term) {
                        Verdict::Near(near) => assert_eq!(usize::from(near), far, "{word} {term}"),
                        Verdict::Far => assert!(far > usize::from(typos), "{word} {term}"),
                        Verdict::Dead(bytes) => {
                            let begins = |other: &&String| other.starts_with(&term[..bytes]);
                            for other in terms.iter().filter(begins) {
                                assert!(
                                    distance(word, other) > usize::from(typos),
                                    "{word} {other}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
