//! What a recall can be asked beside its question: signs, pages, cuts, diversity, budgets, snippets, turns.

use memlith::{
    AsOf, Cancellation, Clock, Context, Cut, Db, ErrorKind, Filter, Leg, Likeness, List, Memory,
    Nearest, NewMemory, Options, Recall, Recalled, Result, Seq, TokenCounter,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

fn with(texts: &[&str]) -> Result<Db> {
    let db = Options::new().threads(false).in_memory()?;
    for text in texts {
        db.remember(NewMemory::new(*text))?;
    }
    Ok(db)
}

fn texts(answer: &Recalled) -> Vec<&str> {
    answer.hits.iter().map(|hit| hit.memory.content.as_str()).collect()
}

fn contents(memories: &[Memory]) -> Vec<&str> {
    memories.iter().map(|memory| memory.content.as_str()).collect()
}

#[test]
fn signs_hold_for_what_a_vector_finds_too() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    for text in ["the spare key of the car", "the spare key of the house", "a spare and a key"] {
        db.remember(NewMemory::new(text).vector([1.0, 0.0]))?;
    }
    let asked = |text: &str| db.recall(&Recall::new().text(text).vector([1.0, 0.0]).signs(true));
    assert_eq!(texts(&asked("+\"spare key\" -car")?), ["the spare key of the house"]);
    assert_eq!(asked("hou* -kee~1")?.hits.len(), 0);
    assert_eq!(texts(&asked("+hosue~")?), ["the spare key of the house"]);
    // Without it they are characters, and no text is an error.
    let plain = db.recall(&Recall::new().text("+\"spare key\" -car").vector([1.0, 0.0]))?;
    assert_eq!(plain.hits.len(), 3);
    for odd in ["", "\"", "+", "-\"", "~~~", "* *", "+\"\"", "((", "\u{0}\u{301}"] {
        asked(odd)?;
    }
    Ok(())
}

#[test]
fn pages_follow_one_another() -> Result<()> {
    let db =
        with(&["tea", "tea tea rain", "tea rain sun", "tea rain sun snow", "tea a b c d e f"])?;
    let all = db.recall(&Recall::new().text("tea"))?;
    for (offset, limit) in [(0, 2), (2, 2), (4, 2), (5, 2), (9, 1)] {
        let page = db.recall(&Recall::new().text("tea").offset(offset).limit(limit))?;
        let expected: Vec<&str> = texts(&all).into_iter().skip(offset).take(limit).collect();
        assert_eq!(texts(&page), expected);
    }
    let newest = db.recall(&Recall::new().offset(1).limit(2))?;
    assert_eq!(texts(&newest), ["tea rain sun snow", "tea rain sun"]);
    let beyond = db.recall(&Recall::new().offset(memlith::MAX_LIMIT + 1));
    assert_eq!(beyond.map(drop).map_err(|e| e.kind()), Err(ErrorKind::LimitExceeded));
    Ok(())
}

#[test]
fn a_cut_keeps_what_is_nearly_as_good_as_the_best() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    for (text, x) in [("same", 1.0), ("near", 0.9), ("far", 0.2), ("farther", 0.1)] {
        let y: f32 = 1.0 - x * x;
        db.remember(NewMemory::new(text).vector([x, y.sqrt()]))?;
    }
    let asked = |cut| db.recall(&Recall::new().vector([1.0, 0.0]).cut(cut));
    assert_eq!(texts(&asked(Cut::Gap)?), ["same", "near"]);
    assert_eq!(texts(&asked(Cut::OfBest(0.15))?), ["same", "near", "far"]);
    assert_eq!(
        asked(Cut::OfBest(1.5)).map(drop).map_err(|e| e.kind()),
        Err(ErrorKind::InvalidInput)
    );
    Ok(())
}

#[test]
fn what_says_the_same_comes_later_where_hits_are_to_differ() -> Result<()> {
    let db =
        with(&["tea at noon", "tea at noon !", "tea with milk and sugar, perhaps twice a day"])?;
    let asked =
        |diversity| db.recall(&Recall::new().text("tea noon").diversity(diversity).limit(2));
    assert_eq!(texts(&asked(0.0)?), ["tea at noon", "tea at noon !"]);
    assert_eq!(
        texts(&asked(0.7)?),
        ["tea at noon", "tea with milk and sugar, perhaps twice a day"]
    );
    Ok(())
}

#[test]
fn a_budget_is_kept_and_counted_as_the_caller_says() -> Result<()> {
    let db = with(&["tea", "tea with a lot of sugar in it", "tea and milk"])?;
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let words = TokenCounter::new(move |text| {
        seen.fetch_add(1, Ordering::Relaxed);
        text.split(' ').count()
    });
    let request = Recall::new().text("tea").max_tokens(4).tokens(words);
    let answer = db.recall(&request)?;
    assert_eq!(texts(&answer), ["tea", "tea and milk"]);
    assert_eq!(answer.tokens, Some(4));
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(db.recall(&Recall::new().text("tea"))?.tokens, None);
    Ok(())
}

#[test]
fn snippets_and_turns_come_with_the_hit() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let long =
        "At first nothing happened at all. Then the kettle sang. We were glad of it, really.";
    for turn in ["one", "two", long, "four", "five"] {
        db.remember(NewMemory::new(turn).session("monday"))?;
    }
    let request = Recall::new().text("kettles singing").limit(1).snippet(40).neighbours(1);
    let hit = db.recall(&request)?.hits.remove(0);
    let snippet = hit.snippet.unwrap_or_default();
    assert_eq!(&long[snippet.range.clone()], snippet.text);
    let marked: Vec<&str> = snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect();
    assert_eq!(marked, ["kettle"]);
    assert!(snippet.text.len() <= 48, "{snippet:?}");
    assert_eq!((contents(&hit.before), contents(&hit.behind)), (vec!["two"], vec!["four"]));
    Ok(())
}

#[test]
fn a_cancelled_call_says_so() -> Result<()> {
    let db = with(&["tea"])?;
    let cancellation = Cancellation::new();
    let request = Recall::new().text("tea").cancellation(&cancellation);
    assert_eq!(db.recall(&request)?.hits.len(), 1);
    cancellation.clone().cancel();
    assert_eq!(db.recall(&request).map(drop).map_err(|e| e.kind()), Err(ErrorKind::Cancelled));
    let context = Context::default().text("tea").cancellation(&cancellation);
    assert_eq!(db.context(&context).map(drop).map_err(|e| e.kind()), Err(ErrorKind::Cancelled));
    let view = db.read()?;
    let list = List::new().cancellation(&cancellation);
    assert_eq!(view.list(&list).map(drop).map_err(|e| e.kind()), Err(ErrorKind::Cancelled));
    let late = List::new().deadline(Duration::ZERO);
    assert_eq!(view.list(&late).map(drop).map_err(|e| e.kind()), Err(ErrorKind::DeadlineExceeded));
    db.remember(NewMemory::new("cocoa").vector([1.0, 0.0]))?;
    let near = Nearest::to([1.0, 0.0]).cancellation(&cancellation);
    let found = db.read()?.nearest(&near).map(drop).map_err(|e| e.kind());
    assert_eq!(found, Err(ErrorKind::Cancelled));
    Ok(())
}

#[test]
fn the_steps_of_a_request_are_reported() -> Result<()> {
    let answer = with(&["tea"])?.recall(&Recall::new().text("tea"))?;
    let steps: Vec<&str> = answer.steps.iter().map(|step| step.name).collect();
    assert_eq!(steps, ["filter", "legs", "rank", "read"]);
    assert!(answer.steps.iter().map(|step| step.micros).sum::<u64>() <= answer.micros);
    Ok(())
}

#[test]
fn context_is_the_last_turns_and_what_is_alike_within_one_budget() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let say = |text: &str, session: &str, channel: &str| {
        db.remember(NewMemory::new(text).namespace("home").session(session).channel(channel))
    };
    say("peanuts are out: Ada is allergic", "monday", "kitchen")?;
    say("the roof leaks", "monday", "roof")?;
    say("buy bread", "tuesday", "kitchen")?;
    say("hello", "today", "chat")?;
    say("what about peanuts for Ada", "today", "chat")?;
    let other = NewMemory::new("peanuts for all").namespace("work").session("today");
    db.remember(other)?;

    let words = TokenCounter::new(|text| text.split(' ').count());
    let asked = Context::of("today").namespace("home").text("peanuts for Ada").channel("kitchen");
    let gathered = db.context(&asked.clone().tokens(words.clone()))?;
    assert_eq!(contents(&gathered.recent), ["hello", "what about peanuts for Ada"]);
    assert_eq!(gathered.similar[0].memory.content, "peanuts are out: Ada is allergic");
    assert!(gathered.similar.iter().all(|hit| hit.memory.namespace == "home"));
    assert_eq!(contents(&gathered.channel), ["buy bread"]);

    let tight = db.context(&asked.clone().tokens(words.clone()).max_tokens(12))?;
    assert_eq!(contents(&tight.recent), ["hello", "what about peanuts for Ada"]);
    // What is most alike does not fit any more; what was said next to it does.
    let similar: Vec<&str> = tight.similar.iter().map(|hit| &*hit.memory.content).collect();
    assert_eq!(similar, ["the roof leaks"]);
    assert_eq!(contents(&tight.channel), ["buy bread"]);
    assert_eq!(tight.tokens, 11);
    let nothing = db.context(&asked.max_tokens(0))?;
    assert_eq!((nothing.recent.len(), nothing.similar.len(), nothing.tokens), (0, 0, 0));

    let only_kitchen = "channel:kitchen".parse::<Filter>()?;
    let filtered = db.context(&Context::of("monday").filter(only_kitchen))?;
    assert_eq!(contents(&filtered.recent), ["peanuts are out: Ada is allergic"]);
    Ok(())
}

#[test]
fn contents_are_looked_into_exactly() -> Result<()> {
    let db = with(&[
        "error E1234 in src/main.rs",
        "error E12345 in src/main.rs",
        "the quick brown fox",
        "the quickest browner fox",
        "Error e1234",
    ])?;
    let asked = |filter: &str| db.recall(&Recall::new().filter(filter.parse()?));
    let newest_first = |filter: &str| Ok::<_, memlith::Error>(asked(filter)?.hits.len());
    assert_eq!(newest_first("content contains E1234")?, 2);
    assert_eq!(newest_first(r"content matches /\bE1234\b/")?, 1);
    assert_eq!(newest_first(r"content matches /(?i)\be1234\b/")?, 2);
    assert_eq!(newest_first("content contains 'ck brown f'")?, 1);
    assert_eq!(newest_first("not content contains fox and content contains error")?, 2);
    // The word between the spaces narrows what is read; the rest of the filter does too.
    let narrowed = asked("content contains 'ck brown f'")?.filter;
    assert_eq!((narrowed.matching, narrowed.scanned_rows), (1, 1));
    assert_eq!(narrowed.scanned_filter.as_deref(), Some("content contains \"ck brown f\""));
    assert_eq!(asked("content contains fox and tag:none")?.filter.scanned_rows, 0);
    assert_eq!(asked("content contains fox")?.filter.scanned_rows, 5);
    Ok(())
}

#[test]
fn boosts_lift_what_matches_and_say_so() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    for (text, channel, valence) in
        [("tea", "mail", 0.5), ("tea", "chat", -0.5), ("tea", "desk", 0.0)]
    {
        db.remember(NewMemory::new(text).channel(channel).session("s").valence(valence))?;
    }
    let channels = |answer: &Recalled| -> Vec<String> {
        answer.hits.iter().filter_map(|hit| hit.memory.channel.clone()).collect()
    };
    let tea = || Recall::new().text("tea").context(0.0).explain(true);
    let lifted = tea()
        .boost(Filter::channel("chat"), 0.3)
        .boost(Filter::any_of(["chat", "desk"].map(Filter::channel)), 0.1);
    let answer = db.recall(&lifted)?;
    assert_eq!(channels(&answer), ["chat", "desk", "mail"]);
    let parts: Vec<f32> = answer
        .hits
        .iter()
        .flat_map(|hit| &hit.explanation.as_ref().expect("it was asked for").legs)
        .filter(|leg| leg.leg == Leg::Affinity)
        .map(|leg| leg.normalised * leg.weight)
        .collect();
    for (part, expected) in parts.iter().zip([0.4, 0.1, 0.0]) {
        assert!((part - expected).abs() < 1e-6, "{parts:?}");
    }
    assert_eq!(channels(&db.recall(&tea().valence(0.2))?), ["mail", "desk", "chat"]);
    // What nobody sought is ordered by what lifts it, not by age alone.
    let unsought = Recall::new().boost(Filter::channel("mail"), 1.0).limit(1);
    assert_eq!(channels(&db.recall(&unsought)?), ["mail"]);
    let odd = tea().boost(Filter::channel("chat"), f32::NAN);
    assert_eq!(db.recall(&odd).map(drop).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput));
    Ok(())
}

#[test]
fn what_is_read_often_can_count() -> Result<()> {
    let db = with(&["tea one", "tea two", "tea six"])?;
    let two = db.recall(&Recall::new().text("two"))?.hits[0].id();
    for _ in 0..3 {
        db.get(two)?;
    }
    let answer = db.recall(&Recall::new().text("tea").accesses(0.5))?;
    assert_eq!(texts(&answer)[0], "tea two");
    assert!(answer.legs.iter().any(|report| report.leg == Leg::Accesses));
    Ok(())
}

#[test]
fn the_past_is_what_was_in_force_then() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let old = db.remember(NewMemory::new("Ada lives in Bonn").created_ms(1_000))?;
    let new = db.supersede(old, NewMemory::new("Ada lives in Rome").created_ms(5_000))?;
    db.remember(NewMemory::new("Ada lives").created_ms(3_000).expires_ms(i64::MAX))?;
    let asked = |as_of| db.recall(&Recall::new().text("Ada lives").as_of(as_of));
    let of_time = |ms| Ok::<_, memlith::Error>(asked(AsOf::Time(ms))?.hits.len());
    assert_eq!(of_time(999)?, 0);
    assert_eq!(texts(&asked(AsOf::Time(1_000))?), ["Ada lives in Bonn"]);
    assert_eq!(of_time(3_000)?, 2);
    // When it was superseded counts, not when the other was created.
    assert_eq!(of_time(6_000)?, 3);
    assert_eq!(of_time(i64::MAX - 1)?, 2);
    let superseded_ms = db.get(old)?.and_then(|memory| memory.superseded_ms).expect("it is");
    assert_eq!(of_time(superseded_ms)?, 2);
    assert_eq!(of_time(superseded_ms - 1)?, 3);
    // A commit stands for its time.
    let seq = db.read()?.seq();
    assert!(asked(AsOf::Seq(seq))?.hits.iter().any(|hit| hit.id() == new));
    let unknown = asked(AsOf::Seq(Seq(seq.0 + 1)));
    assert_eq!(unknown.map(drop).map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    Ok(())
}

#[test]
fn what_says_the_same_is_one_hit() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let said =
        ["the key lies in the vault", "The key lies in the vault!", "the key is lost", "das Wort"];
    let vectors = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [1.0, 0.01]];
    for (text, vector) in said.iter().zip(vectors) {
        db.remember(NewMemory::new(*text).vector(vector))?;
    }
    let request = Recall::new().text("key vault").collapse(Likeness::default());
    let answer = db.recall(&request)?;
    assert_eq!(answer.hits.len(), 2);
    assert_eq!(answer.hits[0].duplicates.len(), 1);
    assert!(answer.hits[1].duplicates.is_empty());
    // Pages do not bring back what was left out.
    assert_eq!(db.recall(&request.clone().offset(2))?.hits.len(), 0);
    // By vector, where vectors are looked for.
    let near = Recall::new().vector([1.0, 0.0]).collapse(Likeness::default()).limit(2);
    let answer = db.recall(&near)?;
    assert_eq!(texts(&answer), ["the key lies in the vault", "the key is lost"]);
    assert_eq!(answer.hits[0].duplicates.len(), 2);
    let odd = request.collapse(Likeness::new(2.0, 0.0));
    assert_eq!(db.recall(&odd).map(drop).map_err(|e| e.kind()), Err(ErrorKind::InvalidInput));
    Ok(())
}

#[test]
fn something_new_names_what_it_resembles() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let text =
        db.remember(NewMemory::new("the deploy key lies in the vault").vector([1.0, 0.0]))?;
    let other = db.remember(NewMemory::new("it rains").vector([0.0, 1.0]))?;
    db.remember(NewMemory::new("the deploy key lies in the vault").namespace("elsewhere"))?;
    let noting = |new: NewMemory| db.remember_noting(new, Likeness::default());
    let noted = noting(NewMemory::new("The deploy key lies in the vault"))?;
    assert_eq!(
        noted.resembles.iter().map(|r| (r.id, r.vector)).collect::<Vec<_>>(),
        [(text, None)]
    );
    let noted = noting(NewMemory::new("es regnet").vector([0.01, 1.0]))?;
    assert_eq!(noted.resembles.iter().map(|r| r.id).collect::<Vec<_>>(), [other]);
    assert!(noted.resembles[0].vector.is_some_and(|cosine| cosine > 0.99));
    assert!(noting(NewMemory::new("something else").vector([0.7, 0.7]))?.resembles.is_empty());
    // It is remembered in any case, and a memory that is gone resembles nothing.
    db.forget(text)?;
    let again = noting(NewMemory::new("the deploy key lies in the vault"))?;
    assert_eq!(again.resembles.iter().map(|r| r.id).collect::<Vec<_>>().len(), 1);
    Ok(())
}

fn keeping(bytes: usize) -> Result<Db> {
    let db = Options::new().threads(false).answer_cache_bytes(bytes).in_memory()?;
    for text in ["tea", "tea and milk", "rain"] {
        db.remember(NewMemory::new(text).vector([1.0, 0.5]))?;
    }
    Ok(db)
}

#[test]
fn an_answer_is_kept_until_a_memory_changes() -> Result<()> {
    let db = keeping(1 << 20)?;
    let request = Recall::new().text("tea").vector([1.0, 0.0]).explain(true);
    let first = db.recall(&request)?;
    let second = db.recall(&request)?;
    assert!(!first.is_kept && second.is_kept);
    let scored = |answer: &Recalled| -> Vec<_> {
        answer.hits.iter().map(|hit| (hit.id(), hit.score.to_bits())).collect()
    };
    assert_eq!(scored(&first), scored(&second));
    // How often something was read goes on.
    assert!(second.hits[0].memory.accesses > first.hits[0].memory.accesses);
    assert!(!db.recall(&request.clone().limit(1))?.is_kept);
    // Nodes are no memories.
    db.write(|tx| tx.graph("default").upsert_node(memlith::NewNode::new("tea")).map(drop))?;
    assert!(db.recall(&request)?.is_kept);
    db.remember(NewMemory::new("more tea"))?;
    let third = db.recall(&request)?;
    assert!(!third.is_kept);
    assert!(texts(&third).contains(&"more tea"));
    let stats = db.stats()?.answers;
    assert_eq!((stats.hits, stats.misses), (2, 3));
    assert!(stats.bytes > 0 && stats.bytes <= stats.limit_bytes);
    Ok(())
}

#[test]
fn what_moves_with_time_is_not_kept() -> Result<()> {
    let db = keeping(1 << 20)?;
    let twice = |request: &Recall| {
        db.recall(request)?;
        Ok::<_, memlith::Error>(db.recall(request)?.is_kept)
    };
    let tea = || Recall::new().text("tea");
    let day = Duration::from_hours(24);
    assert!(twice(&tea())?);
    assert!(!twice(&tea().recency(0.1, day))?);
    assert!(!twice(&tea().accesses(0.1))?);
    assert!(!twice(&tea().filter("created > now-1d".parse()?))?);
    assert!(!twice(&tea().filter("not (accesses > 3 or tag:a)".parse()?))?);
    assert!(!twice(&tea().boost("accessed > 2020-01-01".parse()?, 0.1))?);
    assert!(twice(&tea().filter("created > 2020-01-01".parse()?))?);
    Ok(())
}

/// A clock that stands still until it is set.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_kept_answer_ends_with_what_expires() -> Result<()> {
    let hand = Hand(Arc::new(AtomicI64::new(1_000)));
    let options = Options::new().threads(false).answer_cache_bytes(1 << 20);
    let db = options.clock(hand.clone()).in_memory()?;
    db.remember(NewMemory::new("tea for now").expires_ms(2_000))?;
    db.remember(NewMemory::new("tea for long").expires_ms(9_000))?;
    let asked = || {
        let answer = db.recall(&Recall::new().text("tea"))?;
        Ok::<_, memlith::Error>((answer.hits.len(), answer.is_kept))
    };
    let at = |now_ms| {
        hand.0.store(now_ms, Ordering::Relaxed);
        asked()
    };
    assert_eq!((at(1_500)?, at(1_999)?), ((2, false), (2, true)));
    assert_eq!((at(2_000)?, at(8_999)?), ((1, false), (1, true)));
    assert_eq!((at(9_000)?, at(i64::MAX - 1)?), ((0, false), (0, true)));
    Ok(())
}

#[test]
fn answers_take_no_more_than_they_may() -> Result<()> {
    let db = keeping(8_000)?;
    for limit in (1..40).chain(1..3) {
        db.recall(&Recall::new().text("tea").limit(limit))?;
        let stats = db.stats()?.answers;
        assert!(stats.bytes <= 8_000, "{stats:?}");
        assert!(stats.answers > 0, "{stats:?}");
    }
    // What was used last goes last.
    let asked = |limit| {
        Ok::<_, memlith::Error>(db.recall(&Recall::new().text("tea").limit(limit))?.is_kept)
    };
    assert!(asked(2)? && asked(1)? && !asked(20)?);
    let none = keeping(0)?;
    none.recall(&Recall::new().text("tea"))?;
    assert!(!none.recall(&Recall::new().text("tea"))?.is_kept);
    assert_eq!(none.stats()?.answers.misses, 0);
    Ok(())
}

#[test]
fn searches_are_counted_and_never_stay_behind() -> Result<()> {
    let db = Options::new().threads(false).max_searches(1).in_memory()?;
    db.remember(NewMemory::new("tea").session("s"))?;
    db.recall(&Recall::new().text("tea"))?;
    db.context(&Context::of("s").text("tea"))?;
    let cancellation = Cancellation::new();
    cancellation.cancel();
    assert!(db.recall(&Recall::new().text("tea").cancellation(&cancellation)).is_err());
    let stats = db.stats()?.searches;
    assert_eq!((stats.limit, stats.running, stats.admitted, stats.waited), (1, 0, 3, 0));
    Ok(())
}
