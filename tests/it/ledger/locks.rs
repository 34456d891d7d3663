//! Journals that take the same accounts in opposite directions all end: accounts are locked in the order of their codes.

use super::{AT, book_sum, merchant};
use qianpu_domain::ledger::flows::{order_paid, order_released};
use qianpu_domain::ledger::{AccountCode, AccountRef, JournalBuilder};
use qianpu_domain::money::{Currency, Fen};
use qianpu_tenants::store::ledger::{account_balance, journal_post};
use qianpu_tests::both;

/// Workers, half of them in each direction, and how often each of them posts.
const WORKERS: i64 = 8;
const EACH: i64 = 60;

both! {
    async fn transfers_there_and_back_all_end(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let half = Fen::new(WORKERS * EACH);
        let (available, deposit) =
            (AccountRef::of(AccountCode::MerchantAvailable), AccountRef::owned(AccountCode::DepositAvailable, "basic"));
        let mut tx = db.begin(&ctx).await.unwrap();
        let begin = [
            order_paid("ord_1", "wechat", half.add(half).unwrap(), AT),
            order_released("ord_1", half.add(half).unwrap(), AT),
            JournalBuilder::new("there", "begin", AT).debit(available.clone(), half).credit(deposit.clone(), half).build(),
        ];
        for journal in begin {
            journal_post(&mut tx, &journal.unwrap()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let workers: Vec<_> = (0..WORKERS).map(|worker| {
            let (db, ctx) = (db.clone(), ctx.clone());
            let (code, from, to) = match worker % 2 {
                0 => ("there", available.clone(), deposit.clone()),
                _ => ("back", deposit.clone(), available.clone()),
            };
            tokio::spawn(async move {
                for n in 0..EACH {
                    let mut tx = db.begin(&ctx).await.unwrap();
                    let draft = JournalBuilder::new(code, format!("{worker}_{n}"), AT)
                        .debit(from.clone(), Fen::new(1))
                        .credit(to.clone(), Fen::new(1))
                        .build();
                    journal_post(&mut tx, &draft.unwrap()).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        }).collect();
        for worker in workers {
            worker.await.unwrap();
        }
        let tx = db.read(&ctx).await.unwrap();
        for account in [available, deposit] {
            assert_eq!(account_balance(&tx, Currency::Cny, &account).await.unwrap(), half);
        }
        drop(tx);
        assert_eq!(book_sum(&db, &ctx).await, 0);
    }
}
