use super::*;
use qianpu_tenants::job_queues::TenantQueue;

const BEGIN: Timestamp = Timestamp::from_seconds(1_795_230_000);
const MILLI: Span = Span::micros(1_000);

fn tenant(number: u128) -> Whose {
    let id = |number| TenantId(uuid::Uuid::from_u128(number));
    Whose { tenant: id(number), provider: Some(id(number / 1_000)) }
}

fn requests(figures: &Figures, whose: Whose, now: Timestamp) -> u64 {
    figures.of(whose, now).whole().counts.requests
}

#[test]
fn requests_are_counted_by_what_came_of_them() {
    let figures = Figures::new(10, 10, BEGIN);
    for status in [200, 303, 404, 422, 429, 429, 500, 503] {
        figures.record(tenant(1), BEGIN, MILLI, status);
    }
    let whole = figures.of(tenant(1), BEGIN).whole();
    assert_eq!(whole.counts, Counts { requests: 8, errors: 2, refused: 2, limited: 2 });
    assert!(whole.times.quantile(99).is_some_and(|took| took <= MILLI));
    assert_eq!(requests(&figures, tenant(2), BEGIN), 0);
}

#[test]
fn an_hour_later_they_are_forgotten_part_by_part() {
    let figures = Figures::new(10, 10, BEGIN);
    figures.record(tenant(1), BEGIN, MILLI, 200);
    figures.record(tenant(1), BEGIN.plus(Span::minutes(30)), MILLI, 200);
    assert_eq!(requests(&figures, tenant(1), BEGIN.plus(Span::minutes(50))), 2);
    assert_eq!(requests(&figures, tenant(1), BEGIN.plus(Span::minutes(61))), 1);
    assert_eq!(requests(&figures, tenant(1), BEGIN.plus(Span::minutes(91))), 0);
    // The same place of the ring, an hour later.
    figures.record(tenant(1), BEGIN.plus(Span::minutes(60)), MILLI, 200);
    assert_eq!(requests(&figures, tenant(1), BEGIN.plus(Span::minutes(60))), 2);
    let slots = figures.of(tenant(1), BEGIN.plus(Span::minutes(60))).slots;
    assert_eq!(slots.last().map(|slot| slot.counts.requests), Some(1), "the newest is the last");
}

#[test]
fn a_provider_has_its_own_only() {
    let figures = Figures::new(10, 10, BEGIN);
    for number in [1_001, 1_002, 2_001] {
        figures.record(tenant(number), BEGIN, MILLI, 200);
    }
    let of = |provider: u128| {
        let mut ids: Vec<TenantId> = figures
            .of_provider(TenantId(uuid::Uuid::from_u128(provider)), BEGIN)
            .iter()
            .map(|hour| hour.tenant)
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(of(1), [tenant(1_001).tenant, tenant(1_002).tenant]);
    assert_eq!(of(2), [tenant(2_001).tenant]);
}

#[test]
fn memory_is_bounded_and_the_quiet_ones_go_first() {
    let figures = Figures::new(100, 5, BEGIN);
    for number in 0..100 {
        let at = BEGIN.plus(Span::seconds(i64::try_from(number).unwrap()));
        figures.record(tenant(number), at, MILLI, 200);
    }
    let later = BEGIN.plus(Span::minutes(10));
    figures.record(tenant(1_000), later, MILLI, 200);
    assert_eq!(requests(&figures, tenant(1_000), later), 1);
    assert_eq!(requests(&figures, tenant(0), later), 0, "the one that was quiet for longest");
    assert_eq!(requests(&figures, tenant(99), later), 1);
    // A flood of tenants within a second ends at the bound.
    for number in 2_000..5_000 {
        figures.record(tenant(number), later, MILLI, 200);
    }
    assert!(figures.kept().tenants.len() <= 100);
    assert!(figures.kept().named <= 5);
    let (named, others) = figures.named(later);
    let counted: u64 = named.iter().map(|(_, totals, _)| totals.counts.requests).sum();
    assert_eq!(counted + others.counts.requests, 3_101, "nothing is lost from the sums");
}

#[test]
fn only_so_many_have_a_line_of_their_own() {
    let figures = Figures::new(100, 2, BEGIN);
    for number in 0..10 {
        figures.record(tenant(number), BEGIN, MILLI, 500);
    }
    let queue = |number: u128, waiting| TenantQueue {
        tenant: tenant(number).tenant,
        provider: None,
        waiting,
        oldest: Some(BEGIN.minus(Span::seconds(7))),
        laid_aside: 1,
        stock_waiting: 2,
        stock_oldest: Some(BEGIN.minus(Span::seconds(9))),
    };
    let queues = [queue(0, 3), queue(8, 4), queue(9, 5)].map(|queue| (queue.tenant, queue));
    let text = render(&figures, &queues.into(), BEGIN);
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(lines("qianpu_tenant_request_seconds_count"), 3, "{text}");
    for line in [
        "qianpu_tenant_request_seconds_count{tenant=\"other\"} 8",
        "qianpu_tenant_errors_total{tenant=\"other\",class=\"server\"} 8",
        "qianpu_tenant_jobs_waiting{tenant=\"other\"} 9",
        "qianpu_tenant_oldest_job_seconds{tenant=\"other\"} 7.000000",
        "qianpu_tenant_jobs_laid_aside{tenant=\"other\"} 2",
        "qianpu_tenant_stock_changes_waiting{tenant=\"other\"} 4",
        "qianpu_tenant_oldest_stock_change_seconds{tenant=\"other\"} 9.000000",
        "qianpu_tenant_jobs_waiting{tenant=\"ten_00000000000000000000000000000000\"} 3",
        "qianpu_tenant_request_seconds_sum{tenant=\"other\"} 0.008000",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in {text}");
    }
    assert_eq!(lines("qianpu_tenant_request_seconds{"), 4);
}
