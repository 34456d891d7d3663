//! A fact told again is booked once; told differently it is refused, and what stands in the books stays.

use super::{AT, merchant};
use qianpu_domain::ledger::flows::order_paid;
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Span;
use qianpu_tenants::store::ledger::{PostError, Posted, account_balance, journal_post};
use qianpu_tests::both;

both! {
    async fn a_fact_told_differently_is_refused(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let told = |holder: &str, fen, at| order_paid("ord_1", holder, Fen::new(fen), at).unwrap();
        let mut tx = db.begin(&ctx).await.unwrap();
        let Posted::New(first) = journal_post(&mut tx, &told("wechat", 12_800, AT)).await.unwrap() else {
            panic!("booked before")
        };
        tx.commit().await.unwrap();
        let mut tx = db.begin(&ctx).await.unwrap();
        let later = told("wechat", 12_800, AT.plus(Span::days(1)));
        assert_eq!(journal_post(&mut tx, &later).await.unwrap(), Posted::Before(first), "when it counts may differ");
        for other in [told("wechat", 12_799, AT), told("douyin", 12_800, AT)] {
            let refused = journal_post(&mut tx, &other).await;
            assert!(matches!(&refused, Err(PostError::Differs { booked, code: "order.paid", business_ref })
                if *booked == first && business_ref == "ord_1"), "{refused:?}");
        }
        let pending = account_balance(&tx, Currency::Cny, &AccountRef::of(AccountCode::MerchantPending)).await.unwrap();
        assert_eq!(pending, Fen::new(12_800));
    }

    async fn of_two_that_tell_it_differently_at_once_one_is_booked(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let tasks: Vec<_> = (0..8_i64).map(|n| {
            let (db, ctx) = (db.clone(), ctx.clone());
            tokio::spawn(async move {
                let mut tx = db.begin(&ctx).await.unwrap();
                let posted = journal_post(&mut tx, &order_paid("ord_1", "wechat", Fen::new(100 + n), AT).unwrap()).await;
                match posted {
                    Ok(Posted::New(_)) => { tx.commit().await.unwrap(); 100 + n }
                    Err(PostError::Differs { .. }) => 0,
                    other => panic!("{other:?}"),
                }
            })
        }).collect();
        let mut booked = Vec::new();
        for task in tasks {
            booked.push(task.await.unwrap());
        }
        let winners: Vec<i64> = booked.into_iter().filter(|fen| *fen > 0).collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        let tx = db.read(&ctx).await.unwrap();
        let pending = account_balance(&tx, Currency::Cny, &AccountRef::of(AccountCode::MerchantPending)).await.unwrap();
        assert_eq!(pending, Fen::new(winners[0]));
    }
}
