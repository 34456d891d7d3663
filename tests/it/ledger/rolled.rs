//! Accounts without a floor: nobody waits for them, and what they hold is right before, while and after it is added up.

use super::{AT, book_sum, merchant};
use qianpu_domain::ledger::flows::{order_paid, order_released, take_rate_charged};
use qianpu_domain::ledger::{AccountCode, AccountRef, Floor, JournalBuilder};
use qianpu_domain::money::{Currency, Fen};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::Db;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::ledger::{
    account_balance, account_list, book_totals, entry_list, journal_post, roll_up,
};
use qianpu_tenants::store::ledger_check::ledger_check;
use qianpu_tests::{Backend, both};
use std::time::Duration;

/// One order after the other: paid, the provider's share taken, the rest available.
async fn orders(db: &Db, ctx: &TenantCtx, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let id = format!("ord_{number}");
        let mut tx = db.begin(ctx).await.unwrap();
        let fee = take_rate_charged(&id, Fen::new(10_000), 20_000, 60_000, AT).unwrap().unwrap();
        let rest = order_released(&id, Fen::new(9_800), AT).unwrap();
        for journal in [order_paid(&id, "wechat", Fen::new(10_000), AT).unwrap(), fee, rest] {
            journal_post(&mut tx, &journal).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// What the merchant's accounts hold, and the provider's totals.
async fn held(db: &Db, ctx: &TenantCtx) -> Vec<(i64, i64)> {
    let tx = db.read(ctx).await.unwrap();
    let accounts = account_list(&tx, Currency::Cny).await.unwrap();
    for row in &accounts {
        let one = AccountRef::owned(row.code, row.owner.clone());
        assert_eq!(account_balance(&tx, Currency::Cny, &one).await.unwrap(), row.balance);
    }
    assert_eq!(ledger_check(&tx).await.unwrap(), []);
    let own: Vec<_> = accounts.iter().map(|row| (row.code.number(), row.balance.get())).collect();
    drop(tx);
    let system = qianpu_tenants::context::SystemCtx::for_task("test", super::request());
    let provider = TenantCtx::for_system(db, &system, ctx.provider().unwrap()).await.unwrap();
    let tx = db.read_provider(&provider.provider_view().unwrap()).await.unwrap();
    let totals = book_totals(&tx, Currency::Cny).await.unwrap();
    let totals: Vec<_> = totals.into_iter().map(|(code, fen)| (code.number(), fen.get())).collect();
    assert_eq!(totals, own, "its only merchant");
    own
}

both! {
    async fn what_is_held_is_the_same_before_and_after_it_is_added_up(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        orders(&db, &ctx, 0..5).await;
        let expected = vec![(1030, 50_000), (2010, 49_000), (2020, 0), (2300, 55), (4030, 945)];
        assert_eq!(held(&db, &ctx).await, expected);
        // Three rows of an order wait: buyers' money, the provider's income, its tax.
        for (most, added) in [(4, 4), (100, 11), (100, 0)] {
            let mut tx = db.begin(&ctx).await.unwrap();
            assert_eq!(roll_up(&mut tx, most).await.unwrap(), added);
            tx.commit().await.unwrap();
            assert_eq!(held(&db, &ctx).await, expected);
        }
        orders(&db, &ctx, 5..6).await;
        assert_eq!(held(&db, &ctx).await, [(1030, 60_000), (2010, 58_800), (2020, 0), (2300, 66), (4030, 1_134)]);
    }

    async fn entries_tell_the_balance_after_each(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        orders(&db, &ctx, 0..5).await;
        let mut tx = db.begin(&ctx).await.unwrap();
        roll_up(&mut tx, 4).await.unwrap();
        tx.commit().await.unwrap();
        let tx = db.snapshot(&ctx).await.unwrap();
        let accounts = account_list(&tx, Currency::Cny).await.unwrap();
        for account in accounts.iter().filter(|account| account.code.floor() == Floor::None) {
            let (mut page, mut seen) = (PageRequest::first(2), Vec::new());
            loop {
                let entries = entry_list(&tx, account.id, page).await.unwrap();
                seen.extend(entries.items.iter().map(|entry| entry.balance_after.unwrap().get()));
                let Some(next) = entries.next else { break };
                page = PageRequest { cursor: Some(next), ..page };
            }
            let each = account.balance.get() / 5;
            assert_eq!(seen, [5, 4, 3, 2, 1].map(|n| n * each), "{:?}", account.code);
        }
    }

    async fn two_that_add_up_beside_those_who_post_lose_nothing(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let mut tasks = Vec::new();
        for worker in 0..4 {
            let (db, ctx) = (db.clone(), ctx.clone());
            tasks.push(tokio::spawn(async move { orders(&db, &ctx, worker * 25..worker * 25 + 25).await }));
        }
        for _ in 0..2 {
            let (db, ctx) = (db.clone(), ctx.clone());
            tasks.push(tokio::spawn(async move {
                for _ in 0..40 {
                    let mut tx = db.begin(&ctx).await.unwrap();
                    roll_up(&mut tx, 7).await.unwrap();
                    tx.commit().await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let expected = [(1030, 1_000_000), (2010, 980_000), (2020, 0), (2300, 1_100), (4030, 18_900)];
        assert_eq!(held(&db, &ctx).await, expected);
        assert_eq!(book_sum(&db, &ctx).await, 0);
    }

    async fn nobody_waits_for_an_account_without_a_floor(test_db: TestDb) {
        // SQLite has one writer at a time, whatever it writes.
        if test_db.backend() == Backend::Postgres {
            let (db, ctx) = merchant(&test_db).await;
            let paid_out = |reference: &str| {
                JournalBuilder::new("test", reference, AT)
                    .debit(AccountRef::owned(AccountCode::Bank, "main"), Fen::new(1))
                    .credit(AccountRef::owned(AccountCode::PspEscrow, "wechat"), Fen::new(1))
                    .build()
                    .unwrap()
            };
            let mut tx = db.begin(&ctx).await.unwrap();
            journal_post(&mut tx, &paid_out("first")).await.unwrap();
            tx.commit().await.unwrap();
            let mut held_open = db.begin(&ctx).await.unwrap();
            journal_post(&mut held_open, &paid_out("second")).await.unwrap();
            let beside = async {
                let mut tx = db.begin(&ctx).await.unwrap();
                journal_post(&mut tx, &paid_out("third")).await.unwrap();
                tx.commit().await.unwrap();
            };
            tokio::time::timeout(Duration::from_secs(20), beside).await.expect("the third waits for nobody");
            held_open.commit().await.unwrap();
            assert_eq!(held(&db, &ctx).await, [(1010, 3), (1030, -3)]);
        }
    }
}
