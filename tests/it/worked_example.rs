//! The worked example of the specification §3.1 on a real database, step by step and to the fen: the same table that
//! the domain's test posts to books in memory.

use crate::ledger::merchant;
use qianpu_domain::ledger::worked_example::{Chapter, Outcome, Step, worked_example};
use qianpu_domain::ledger::{AccountCode, AccountRef, Floor, Side};
use qianpu_domain::money::{Currency, Fen};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::Db;
use qianpu_tenants::store::ledger::{
    PostError, Posted, account_balance, account_list, journal_get, journal_post,
};
use qianpu_tenants::store::ledger_check::ledger_check;
use qianpu_tests::{both, workspace};
use std::collections::BTreeMap;

/// What every account holds, by number and owner.
type Holdings = BTreeMap<(i64, String), Fen>;

async fn holdings(db: &Db, ctx: &TenantCtx) -> Holdings {
    let tx = db.read(ctx).await.unwrap();
    let accounts = account_list(&tx, Currency::Cny).await.unwrap();
    accounts.into_iter().map(|row| ((row.code.number(), row.owner), row.balance)).collect()
}

/// Posts a step and looks at what it came to: its own accounts hold what the table says, and no other account moved.
async fn tell(db: &Db, ctx: &TenantCtx, at: &str, step: &Step) {
    let mut expected = holdings(db, ctx).await;
    let mut tx = db.begin(ctx).await.unwrap();
    let posted = journal_post(&mut tx, &step.journal).await;
    match step.outcome {
        Outcome::Booked(holds) => {
            let Ok(Posted::New(id)) = posted else { panic!("{at}: {posted:?}") };
            assert_eq!(
                journal_post(&mut tx, &step.journal).await.unwrap(),
                Posted::Before(id),
                "{at}: once only"
            );
            tx.commit().await.unwrap();
            let tx = db.read(ctx).await.unwrap();
            let journal = journal_get(&tx, id).await.unwrap();
            assert_eq!(journal.legs.len(), holds.len(), "{at}: {journal:?}");
            for (number, owner, fen) in holds {
                let account = AccountRef::owned(AccountCode::from_number(*number).unwrap(), *owner);
                let balance = account_balance(&tx, Currency::Cny, &account).await.unwrap();
                assert_eq!(balance, Fen::new(*fen), "{at}: {number} {owner}");
                let leg =
                    journal.legs.iter().find(|leg| leg.code == account.code && leg.owner == account.owner);
                let with_floor = (account.code.floor() == Floor::Zero).then_some(balance);
                assert_eq!(leg.unwrap().balance_after, with_floor, "{at}: the statement says so too");
                expected.insert((*number, account.owner), balance);
            }
        }
        Outcome::Refused(by) => {
            assert!(matches!(&posted, Err(PostError::Floor(code)) if *code == by), "{at}: {posted:?}");
            drop(tx);
        }
    }
    assert_eq!(holdings(db, ctx).await, expected, "{at}: nothing else moves");
    let tx = db.read(ctx).await.unwrap();
    let found = ledger_check(&tx).await.unwrap();
    assert!(found.is_empty(), "{at}: {found:?}");
}

both! {
    async fn the_worked_example_in_the_database(test_db: TestDb) {
        for Chapter { name, steps } in worked_example().unwrap() {
            let (db, ctx) = merchant(&test_db).await;
            for step in &steps {
                tell(&db, &ctx, &format!("{name}, {}", step.name), step).await;
            }
        }
    }
}

/// The page for finance people shows the chart as it is.
#[test]
fn the_page_has_the_whole_chart() {
    let page = std::fs::read_to_string(workspace::root().join("docs/money.md")).unwrap();
    let rows: Vec<&str> =
        page.lines().filter(|line| line.contains("debit 借 |") || line.contains("credit 贷 |")).collect();
    let expected: Vec<String> = AccountCode::ALL
        .iter()
        .map(|code| {
            let owner = if code.owner().is_empty() { "merchant" } else { code.owner() };
            let side = match code.side() {
                Side::Debit => "debit 借",
                Side::Credit => "credit 贷",
            };
            let below = match code.floor() {
                Floor::Zero => "no",
                Floor::None if code.alarms_below_zero() => "yes, with an alarm",
                Floor::None => "yes",
            };
            let (number, en, zh) = (code.number(), code.name_en(), code.name_zh());
            format!("| {number} | {en} | {zh} | {owner} | {side} | {below} |")
        })
        .collect();
    assert_eq!(rows, expected);
}
