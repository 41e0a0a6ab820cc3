//! Every scenario under many schedules, and with a defect put in, which must be found.

use memlith_schedules::group_commit::{self, Ends, First};
use memlith_schedules::{background, explore, extents, finds, publication};

/// Schedules of each of the two schedulers.
const MANY: usize = 3_000;
/// Where one schedule takes a millisecond.
const FEW: usize = 1_000;

const ONE_BY_ONE: usize = 1;
const GATHERED: usize = usize::MAX;

#[test]
fn turns_are_in_order() {
    explore(MANY, || group_commit::turns_are_in_order(ONE_BY_ONE, First::Accepted));
    explore(MANY, || group_commit::turns_are_in_order(GATHERED, First::Accepted));
}

#[test]
fn looking_at_what_is_visible_first_is_found() {
    assert!(finds(MANY, || group_commit::turns_are_in_order(ONE_BY_ONE, First::Visible)));
}

#[test]
fn a_failure_is_the_end() {
    for end in [Ends::Failing, Ends::Panicking] {
        explore(MANY, move || group_commit::a_failure_is_the_end(end, ONE_BY_ONE));
        explore(MANY, move || group_commit::a_failure_is_the_end(end, GATHERED));
    }
}

#[test]
fn settling_waits_for_all() {
    explore(MANY, || group_commit::settling_waits_for_all(ONE_BY_ONE));
    explore(MANY, || group_commit::settling_waits_for_all(GATHERED));
}

#[test]
fn giving_up_holds_nothing() {
    explore(MANY, group_commit::giving_up_holds_nothing);
}

#[test]
fn latching_from_outside() {
    explore(MANY, group_commit::latching_from_outside);
}

/// The first View is revoked by the first commit, by a later one, or by none.
const LIMITS: [u64; 3] = [0, 2, 100];

#[test]
fn views_are_of_one_commit() {
    use publication::Defect;
    for limit in LIMITS {
        explore(MANY, move || publication::views_are_of_one_commit(limit, Defect::None));
    }
}

#[test]
fn publishing_wrongly_is_found() {
    use publication::Defect;
    let defects = [
        Defect::PublishesBeforeFolding,
        Defect::PublishesUnlocked,
        Defect::AnswersBeforePublishing,
    ];
    for defect in defects {
        let scenario = move || publication::views_are_of_one_commit(100, defect);
        assert!(finds(MANY, scenario), "{defect:?}");
    }
}

#[test]
fn a_live_source_is_never_overwritten() {
    explore(FEW, || extents::a_live_source_is_never_overwritten(extents::Defect::None));
}

#[test]
fn a_pin_given_up_too_early_is_found() {
    let scenario = || extents::a_live_source_is_never_overwritten(extents::Defect::PinsTooBriefly);
    assert!(finds(FEW, scenario));
}

#[test]
fn whoever_wakes_the_workers_is_served() {
    explore(MANY, background::whoever_wakes_them_is_served);
}

#[test]
fn a_busy_worker_is_relieved() {
    explore(MANY, background::a_busy_one_is_relieved);
}

#[test]
fn a_pause_holds_all_but_promises() {
    explore(MANY, background::a_pause_holds_all_but_promises);
}

#[test]
fn stopping_the_workers_ends_them() {
    explore(MANY, background::stopping_ends_them);
}

#[test]
fn the_last_handle_may_be_dropped_by_the_work() {
    explore(MANY, background::the_last_handle_may_be_dropped_by_the_work);
}
