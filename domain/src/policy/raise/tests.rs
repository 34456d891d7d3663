use super::*;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}
fn before(today: Date, days: i64) -> Date {
    today.checked_sub(jiff::Span::new().days(days)).unwrap()
}
fn marks(each: u32) -> ShopScores {
    ShopScores { description: each, service: each, logistics: each }
}
/// A score on each of so many days up to yesterday, newest first.
fn daily(today: Date, days: i64, each: u32) -> Vec<DayScore> {
    (1..=days).map(|ago| DayScore { day: before(today, ago), scores: marks(each) }).collect()
}
const TERMS: RaiseTerms = RaiseTerms::DEFAULT;
const MEAN: RaiseTerms = RaiseTerms { each_day: false, ..TERMS };

fn look(scores: &[DayScore], trading: i64, subject: SubjectKind, terms: &RaiseTerms) -> RaiseProgress {
    let today = date("2026-03-31");
    raise_progress(scores, Some(before(today, trading)), subject, today, terms)
}

#[test]
fn the_boundaries_are_exact() {
    let today = date("2026-03-31");
    let enterprise = SubjectKind::Enterprise;
    for (trading, days, score, subject, met) in [
        (30, 30, 460, enterprise, true),
        (29, 30, 460, enterprise, false),
        (30, 29, 460, enterprise, false),
        (30, 30, 459, enterprise, false),
        (400, 400, 500, enterprise, true),
        (30, 30, 500, SubjectKind::IndividualBusiness, false),
        (30, 30, 500, SubjectKind::Personal, false),
    ] {
        for terms in [&TERMS, &MEAN] {
            let got = look(&daily(today, days, score), trading, subject, terms);
            assert_eq!(got.met, met, "{trading} {days} {score} {subject} {terms:?}: {got:?}");
        }
    }
    let never = raise_progress(&daily(today, 30, 500), None, enterprise, today, &TERMS);
    assert_eq!((never.met, never.trading_days, never.good_days), (false, 0, 30));
    let none = look(&[], 30, enterprise, &TERMS);
    assert_eq!((none.met, none.good_days, none.score), (false, 0, None));
}

#[test]
fn one_bad_day_breaks_the_row_and_not_the_mean() {
    let today = date("2026-03-31");
    let mut scores = daily(today, 40, 480);
    // Thirteen days ago.
    scores.get_mut(12).unwrap().scores = marks(459);
    let each = look(&scores, 60, SubjectKind::Enterprise, &TERMS);
    assert_eq!((each.met, each.good_days, each.score), (false, 12, Some(480)));
    let mean = look(&scores, 60, SubjectKind::Enterprise, &MEAN);
    assert_eq!((mean.met, mean.good_days, mean.score), (true, 30, Some(479)));
    // The same day 31 days ago does not matter any more.
    let mut old = daily(today, 40, 480);
    old.get_mut(30).unwrap().scores = marks(100);
    assert!(look(&old, 60, SubjectKind::Enterprise, &TERMS).met);
    old.get_mut(29).unwrap().scores = marks(459);
    assert!(!look(&old, 60, SubjectKind::Enterprise, &TERMS).met);
}

#[test]
fn a_mean_of_4_5999_is_not_4_60() {
    let today = date("2026-03-31");
    let mut scores = daily(today, 30, 460);
    scores.first_mut().unwrap().scores.service = 459;
    let got = look(&scores, 30, SubjectKind::Enterprise, &MEAN);
    assert_eq!((got.met, got.score), (false, Some(459)));
    scores.last_mut().unwrap().scores.service = 461;
    assert!(look(&scores, 30, SubjectKind::Enterprise, &MEAN).met);
}

#[test]
fn a_day_without_a_score_carries_the_last_one() {
    let today = date("2026-03-31");
    let at = |ago, each| DayScore { day: before(today, ago), scores: marks(each) };
    // The day before the window counts for its first days.
    assert!(look(&[at(5, 470), at(31, 465)], 60, SubjectKind::Enterprise, &TERMS).met);
    assert_eq!(look(&[at(5, 470), at(29, 465)], 60, SubjectKind::Enterprise, &TERMS).good_days, 29);
    assert!(!look(&[at(5, 470), at(31, 459)], 60, SubjectKind::Enterprise, &TERMS).met);
    // Today's and later scores do not count.
    let got = look(&[at(0, 100), at(1, 470), at(40, 470)], 60, SubjectKind::Enterprise, &TERMS);
    assert_eq!((got.met, got.score), (true, Some(470)));
}

#[test]
fn the_raise_comes_and_goes_with_notice() {
    let today = date("2026-04-01");
    let falling = |on: &str| RaiseStanding { state: RaiseState::Falling, falls_on: Some(date(on)) };
    let raised = RaiseStanding { state: RaiseState::Raised, falls_on: None };
    let at_once = RaiseTerms { grace_days: 0, ..TERMS };
    for (was, met, terms, expected) in [
        (RaiseStanding::STANDARD, false, &TERMS, (RaiseStanding::STANDARD, None)),
        (RaiseStanding::STANDARD, true, &TERMS, (raised, Some(RaiseTurn::Reached))),
        (raised, true, &TERMS, (raised, None)),
        (raised, false, &TERMS, (falling("2026-04-08"), Some(RaiseTurn::Falling(date("2026-04-08"))))),
        (raised, false, &at_once, (RaiseStanding::STANDARD, Some(RaiseTurn::Fell))),
        (falling("2026-04-02"), false, &TERMS, (falling("2026-04-02"), None)),
        (falling("2026-04-01"), false, &TERMS, (RaiseStanding::STANDARD, Some(RaiseTurn::Fell))),
        (falling("2026-04-02"), true, &TERMS, (raised, Some(RaiseTurn::Recovered))),
        (falling("2026-04-01"), true, &TERMS, (raised, Some(RaiseTurn::Reached))),
    ] {
        assert_eq!(next_standing(was, met, today, terms), expected, "{was:?} {met}");
    }
    assert!(falling("2026-04-02").holds(today) && !falling("2026-04-01").holds(today));
    assert!(!RaiseStanding::STANDARD.holds(today) && raised.holds(today));
}
