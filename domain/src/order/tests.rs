use super::*;
use crate::money::Fen;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

/// A report such as `paid@3`, `cancelled:oversold@5`, `?99@4`.
fn report(text: &str) -> OrderReport {
    let (word, second) = text.split_once('@').unwrap();
    let second: i64 = second.parse().unwrap();
    let state = match word.split_once(':') {
        Some((_, by)) => ReportedState::Cancelled(CancelledBy::from_text(by).unwrap()),
        None => OrderState::from_text(word).map_or(ReportedState::Unknown, ReportedState::Known),
    };
    let reached = match state {
        ReportedState::Known(state) => state >= OrderState::Paid,
        ReportedState::Cancelled(by) => by == CancelledBy::Oversold,
        ReportedState::Unknown => false,
    };
    OrderReport {
        state,
        native_state: word.into(),
        updated_at: at(second),
        paid_at: reached.then(|| at(1)),
        shipped_at: None,
        received_at: None,
    }
}

fn run(reports: &str) -> (OrderProgress, String) {
    let mut progress = OrderProgress::start();
    let mut words = Vec::new();
    for text in reports.split_whitespace() {
        let (next, events) = progress.merge(&report(text));
        let (again, nothing) = next.merge(&report(text));
        assert_eq!((&again, nothing.len()), (&next, 0), "{text} twice in {reports}");
        words.extend(events.iter().map(|event| match event {
            OrderEvent::Cancelled { by, undo } => format!("cancelled {by} undo {undo:?}"),
            other => format!("{other:?}"),
        }));
        progress = next;
    }
    (progress, words.join(", "))
}

fn check(reports: &str, state: &str, events: &str) {
    let (progress, got) = run(reports);
    assert_eq!((progress.state.as_str(), got.as_str()), (state, events), "{reports}");
}

#[test]
fn reports() {
    check("awaiting_payment@0", "awaiting_payment", "");
    check("paid@1", "paid", "Paid");
    check("paid@1 paid@1 paid@2", "paid", "Paid");
    check("paid@1 part_shipped@2 shipped@3 completed@4", "completed", "Paid, Shipped, Received, Completed");
    // Everything but the last push was lost.
    check("completed@4", "completed", "Paid, Shipped, Received, Completed");
    // Reordered: no step back.
    check("shipped@3 paid@1", "shipped", "Paid, Shipped");
    check("completed@4 awaiting_payment@0 paid@1", "completed", "Paid, Shipped, Received, Completed");
    check("cancelled:timeout@2", "cancelled", "cancelled timeout undo Hold");
    check(
        "cancelled:unspecified@2 paid@1",
        "cancelled",
        "cancelled unspecified undo Hold, Paid, cancelled unspecified undo Sale",
    );
    check("paid@1 cancelled:oversold@2", "cancelled", "Paid, cancelled oversold undo Sale");
    check(
        "paid@1 cancelled:oversold@2 cancelled:unspecified@3",
        "cancelled",
        "Paid, cancelled oversold undo Sale",
    );
    check("paid@1 88@2", "paid", "Paid");
    assert_eq!(run("paid@1 88@2").0.native_state.as_deref(), Some("88"));
    assert_eq!(run("shipped@3 paid@1").0.native_state.as_deref(), Some("shipped"));
}

proptest! {
    /// Any order, any repetition, any loss before the last word: the same end.
    #[test]
    fn the_end_does_not_depend_on_the_order_of_reports(
        picks in proptest::collection::vec(0_usize..9, 1..8),
        seed in proptest::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let words = ["awaiting_payment@1", "paid@2", "part_shipped@3", "shipped@4", "received@5", "completed@6",
            "cancelled:oversold@7", "cancelled:unspecified@8", "99@9"];
        let given: Vec<&str> = picks.iter().map(|pick| words[*pick]).collect();
        let mut shuffled = given.clone();
        for (position, index) in seed.iter().enumerate() {
            let target = index.index(shuffled.len());
            let position = position % shuffled.len();
            shuffled.swap(position, target);
        }
        let (one, _) = run(&given.join(" "));
        let (other, _) = run(&shuffled.join(" "));
        prop_assert_eq!(one, other);
    }
}

#[test]
fn moves_of_our_own() {
    let start = OrderProgress::start();
    let paid = start.pay(at(1)).unwrap().0;
    let part = paid.ship(Extent::Part, at(2)).unwrap().0;
    let shipped = part.ship(Extent::All, at(3)).unwrap().0;
    let received = shipped.receive(at(4)).unwrap().0;
    let completed = received.complete(at(5)).unwrap();
    assert_eq!(completed.1, [OrderEvent::Completed]);
    for (name, got, expected) in [
        ("pay twice", paid.pay(at(2)), OrderState::Paid),
        ("ship unpaid", start.ship(Extent::All, at(2)), OrderState::AwaitingPayment),
        ("cancel by time-out when paid", paid.cancel(CancelledBy::Timeout, at(2)), OrderState::Paid),
        ("cancel when part sent", part.cancel(CancelledBy::Merchant, at(3)), OrderState::PartShipped),
        ("receive unsent", paid.receive(at(3)), OrderState::Paid),
        ("complete unreceived", shipped.complete(at(3)), OrderState::Shipped),
    ] {
        assert_eq!(got, Err(OrderError::WrongState(expected)), "{name}");
    }
    let undo = |progress: &OrderProgress| progress.cancel(CancelledBy::Merchant, at(2)).unwrap().1;
    assert_eq!(undo(&start), [OrderEvent::Cancelled { by: CancelledBy::Merchant, undo: Undo::Hold }]);
    assert_eq!(undo(&paid), [OrderEvent::Cancelled { by: CancelledBy::Merchant, undo: Undo::Sale }]);
}

#[test]
fn amounts() {
    let line =
        |quantity, unit, total| LineAmounts { quantity, unit_price: Fen::new(unit), total: Fen::new(total) };
    for (lines, [goods, freight, discount, total], good) in [
        (vec![line(2, 5_000, 9_500), line(1, 3_000, 3_000)], [13_000, 800, 500, 13_300], true),
        (vec![line(2, 5_000, 10_000)], [10_000, 0, 0, 10_000], true),
        (vec![line(2, 5_000, 9_999)], [10_000, 0, 0, 10_000], false),
        (vec![line(2, 5_000, 10_000)], [9_999, 0, 0, 10_000], false),
        (vec![line(2, 5_000, 10_000)], [10_000, 800, 0, 10_000], false),
        (vec![line(0, 5_000, 0)], [0, 0, 0, 0], false),
        (vec![line(i64::MAX, i64::MAX, 0)], [0, 0, 0, 0], false),
        (vec![line(1, 100, 0)], [100, 0, 100, 0], true),
        (vec![], [0, 0, 0, 0], false),
        (vec![line(1, 100, 100)], [100, -100, -100, 100], false),
    ] {
        let amounts = OrderAmounts {
            goods: Fen::new(goods),
            freight: Fen::new(freight),
            discount: Fen::new(discount),
            total: Fen::new(total),
        };
        assert_eq!(check_amounts(&lines, amounts).is_ok(), good, "{lines:?} {amounts:?}");
    }
}
