//! What a sequence consists of, and how each edit is made on either side.
//!
//! **Invariant:** an edit says the same to a handle, to a transaction and to the model.

use super::naive::{Naive, Told};
use super::values::{Look, PATHS, SPACES, look, new_memory, patch, scope};
use memlith::{Db, ErrorKind, Filter, MemoryId, NewMemory, Patch, Result, Space, Upsert, WriteTx};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A change of one kind.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Remember(NewMemory),
    Batch(Vec<NewMemory>),
    Upsert(NewMemory),
    UpsertBatch(Vec<NewMemory>),
    Update(Index, Patch),
    UpdateMany((Option<String>, Filter), Patch),
    Supersede(Index, NewMemory),
    Forget(Index),
    ForgetWhere((Option<String>, Filter)),
    CreateSpace(usize),
    DropSpace(&'static str),
    IndexMetadata(&'static str),
    DropIndex(&'static str),
}

/// How edits are grouped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// Each by the one-call form.
    Singly,
    /// All in one closure; the first error ends it.
    Closure,
    /// All in one closure that fails in the end.
    Failing,
    /// An explicit transaction that goes on after an error where that is harmless.
    Commit,
    /// An explicit transaction that is rolled back.
    Rollback,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(How, Vec<Edit>),
    Look(Box<Look>),
    /// Reads by number and by external id, which count.
    Get(Vec<Index>),
    /// Moves the clock, perhaps back.
    Advance(i64),
    Checkpoint,
    Rebuild,
    Flush,
    Reopen,
}

/// What an edit answers.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Ids(Vec<u64>),
    Upserts(Vec<Upsert>),
    Was(bool),
    Count(u64),
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        16 => new_memory().prop_map(Edit::Remember),
        2 => vec(new_memory(), 0..6).prop_map(Edit::Batch),
        6 => new_memory().prop_map(Edit::Upsert),
        1 => vec(new_memory(), 0..3).prop_map(Edit::UpsertBatch),
        8 => (place(), patch()).prop_map(|(at, patch)| Edit::Update(at, patch)),
        2 => (scope(), patch()).prop_map(|(scope, patch)| Edit::UpdateMany(scope, patch)),
        4 => (place(), new_memory()).prop_map(|(at, new)| Edit::Supersede(at, new)),
        3 => place().prop_map(Edit::Forget),
        1 => scope().prop_map(Edit::ForgetWhere),
        2 => (0..SPACES.len()).prop_map(Edit::CreateSpace),
        1 => select(vec!["default", "dot", "far", "nowhere"]).prop_map(Edit::DropSpace),
        4 => select(&PATHS[..]).prop_map(Edit::IndexMetadata),
        1 => select(&PATHS[..]).prop_map(Edit::DropIndex),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let how = select(vec![
        How::Singly,
        How::Singly,
        How::Closure,
        How::Closure,
        How::Failing,
        How::Commit,
        How::Rollback,
    ]);
    prop_oneof![
        20 => (how, vec(edit(), 1..4)).prop_map(|(how, edits)| Step::Write(how, edits)),
        10 => look().prop_map(|look| Step::Look(look.into())),
        2 => vec(any::<Index>(), 0..4).prop_map(Step::Get),
        2 => (-1_000..3_000_i64).prop_map(Step::Advance),
        2 => (-2..5_i64).prop_map(|steps| Step::Advance(500 * steps)),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Rebuild),
        1 => Just(Step::Flush),
        2 => Just(Step::Reopen),
    ]
}

pub(crate) fn number_at(at: Index, numbers: &[u64]) -> u64 {
    numbers[at.index(numbers.len())]
}

/// What handles and transactions do under the same name.
macro_rules! made_on {
    ($to:expr, $edit:expr, $numbers:expr) => {{
        let id = |at: &Index| MemoryId(number_at(*at, $numbers));
        Ok(match $edit.clone() {
            Edit::Remember(new) => Answer::Ids(vec![$to.remember(new)?.0]),
            Edit::Batch(new) => {
                Answer::Ids($to.remember_batch(new)?.into_iter().map(|id| id.0).collect())
            }
            Edit::Upsert(new) => Answer::Upserts(vec![$to.upsert(new)?]),
            Edit::Update(at, patch) => Answer::Was($to.update(id(&at), &patch)?),
            Edit::UpdateMany((namespace, filter), patch) => {
                Answer::Count($to.update_many(namespace.as_deref(), &filter, &patch)?)
            }
            Edit::Supersede(at, new) => Answer::Ids(vec![$to.supersede(id(&at), new)?.0]),
            Edit::Forget(at) => Answer::Was($to.forget(id(&at))?),
            Edit::ForgetWhere((namespace, filter)) => {
                Answer::Count($to.forget_where(namespace.as_deref(), &filter)?)
            }
            Edit::CreateSpace(at) => {
                let (name, dimension, metric) = SPACES[at];
                $to.create_space(&Space::new(name, dimension).metric(metric))?;
                Answer::Nothing
            }
            _ => unreachable!("only one of the two can do this"),
        })
    }};
}

impl Step {
    pub(crate) fn clear_expiry(&mut self) {
        let Step::Write(_, edits) = self else { return };
        for edit in edits {
            match edit {
                Edit::Remember(new) | Edit::Upsert(new) | Edit::Supersede(_, new) => {
                    new.expires_ms = None;
                }
                Edit::Batch(all) | Edit::UpsertBatch(all) => {
                    for new in all {
                        new.expires_ms = None;
                    }
                }
                Edit::Update(_, patch) | Edit::UpdateMany(_, patch) => patch.expires_ms = None,
                _ => {}
            }
        }
    }
}

impl Edit {
    /// Makes the edit in a transaction, of one of the numbers.
    pub(crate) fn make_in(&self, tx: &mut WriteTx<'_>, numbers: &[u64]) -> Result<Answer> {
        match self {
            Edit::UpsertBatch(new) => {
                let done: Result<_> = new.iter().map(|m| tx.upsert(m.clone())).collect();
                done.map(Answer::Upserts)
            }
            Edit::DropSpace(name) => tx.drop_space(name).map(|()| Answer::Nothing),
            Edit::IndexMetadata(path) => tx.index_metadata(path).map(|()| Answer::Nothing),
            Edit::DropIndex(path) => tx.drop_metadata_index(path).map(|()| Answer::Nothing),
            _ => made_on!(tx, self, numbers),
        }
    }

    /// Makes the edit by itself.
    pub(crate) fn make_on(&self, db: &Db, numbers: &[u64]) -> Result<Answer> {
        match self {
            Edit::UpsertBatch(new) => db.upsert_batch(new.clone()).map(Answer::Upserts),
            Edit::DropSpace(_) | Edit::IndexMetadata(_) | Edit::DropIndex(_) => {
                db.write(|tx| self.make_in(tx, numbers))
            }
            _ => made_on!(db, self, numbers),
        }
    }

    pub(crate) fn make_naively(&self, model: &mut Naive) -> Told<Answer> {
        let numbers = model.numbers();
        let mut all = |new: &[NewMemory], one: fn(&mut Naive, &NewMemory) -> Told<Upsert>| {
            let mut changed = model.clone();
            let done = new.iter().map(|m| one(&mut changed, m)).collect::<Told<Vec<_>>>()?;
            *model = changed;
            Ok::<_, ErrorKind>(done)
        };
        let created: fn(&mut Naive, &NewMemory) -> Told<Upsert> =
            |model, new| model.remember(new).map(|id| Upsert::Created(MemoryId(id)));
        let ids = |done: Vec<Upsert>| Answer::Ids(done.into_iter().map(|u| u.id().0).collect());
        Ok(match self {
            Edit::Remember(new) => ids(all(std::slice::from_ref(new), created)?),
            Edit::Batch(new) => ids(all(new, created)?),
            Edit::Upsert(new) => Answer::Upserts(all(std::slice::from_ref(new), Naive::upsert)?),
            Edit::UpsertBatch(new) => Answer::Upserts(all(new, Naive::upsert)?),
            Edit::Update(at, patch) => Answer::Was(model.update(number_at(*at, &numbers), patch)?),
            Edit::UpdateMany((namespace, filter), patch) => {
                Answer::Count(model.update_many(namespace.as_deref(), filter, patch)?)
            }
            Edit::Supersede(at, new) => {
                Answer::Ids(vec![model.supersede(number_at(*at, &numbers), new)?])
            }
            Edit::Forget(at) => Answer::Was(model.forget(number_at(*at, &numbers))),
            Edit::ForgetWhere((namespace, filter)) => {
                Answer::Count(model.forget_where(namespace.as_deref(), filter))
            }
            Edit::CreateSpace(at) => {
                let (name, dimension, metric) = SPACES[*at];
                model.create_space(name, dimension, metric)?;
                Answer::Nothing
            }
            Edit::DropSpace(name) => {
                model.drop_space(name)?;
                Answer::Nothing
            }
            Edit::IndexMetadata(path) => {
                model.index(path)?;
                Answer::Nothing
            }
            Edit::DropIndex(path) => {
                model.drop_index(path)?;
                Answer::Nothing
            }
        })
    }

    /// Does it change nothing when it is made again?
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self, Edit::Upsert(_) | Edit::UpsertBatch(_))
    }

    /// May an explicit transaction go on after this has failed? What consists of several parts
    /// leaves those that were done.
    pub(crate) fn is_whole(&self) -> bool {
        !matches!(self, Edit::Batch(_) | Edit::UpsertBatch(_) | Edit::UpdateMany(..))
    }
}
