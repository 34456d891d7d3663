//! A journal is taken back by another one, once for ever, and never below a floor.

use super::{AT, merchant};
use qianpu_domain::ids::JournalId;
use qianpu_domain::ledger::flows::{order_paid, order_released};
use qianpu_domain::ledger::{AccountCode, AccountRef, Journal};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Span;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::Db;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::random;
use qianpu_tenants::store::ledger::{
    PostError, Posted, account_balance, journal_find, journal_get, journal_post, journal_reverse,
};
use qianpu_tenants::store::ledger_check::ledger_check;
use qianpu_tests::{both, postgres};
use sea_orm::ConnectionTrait;

async fn booked(db: &Db, ctx: &TenantCtx, journal: &Journal) -> JournalId {
    let mut tx = db.begin(ctx).await.unwrap();
    let Posted::New(id) = journal_post(&mut tx, journal).await.unwrap() else { panic!("booked before") };
    tx.commit().await.unwrap();
    id
}

async fn reversed(db: &Db, ctx: &TenantCtx, id: JournalId) -> Result<Posted, PostError> {
    let mut tx = db.begin(ctx).await?;
    let posted = journal_reverse(&mut tx, id, AT.plus(Span::days(1))).await?;
    tx.commit().await?;
    Ok(posted)
}

fn paid(order: &str) -> Journal {
    order_paid(order, "wechat", Fen::new(12_800), AT).unwrap()
}

both! {
    async fn a_journal_is_taken_back_once(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let first = booked(&db, &ctx, &paid("ord_1")).await;
        booked(&db, &ctx, &paid("ord_2")).await;
        let tasks: Vec<_> = (0..8).map(|_| {
            let (db, ctx) = (db.clone(), ctx.clone());
            tokio::spawn(async move { reversed(&db, &ctx, first).await.unwrap() })
        }).collect();
        let (mut new, mut before) = (Vec::new(), Vec::new());
        for task in tasks {
            match task.await.unwrap() {
                Posted::New(id) => new.push(id),
                Posted::Before(id) => before.push(id),
            }
        }
        assert_eq!((new.len(), before), (1, vec![new[0]; 7]));
        let tx = db.read(&ctx).await.unwrap();
        let (was, back) = (journal_get(&tx, first).await.unwrap(), journal_get(&tx, new[0]).await.unwrap());
        assert_eq!((was.reverses, was.reversed_by), (None, Some(new[0])));
        assert_eq!((back.reverses, back.reversed_by), (Some(first), None));
        assert_eq!((back.code.as_str(), back.business_ref.as_str()), ("order.paid.reversed", "ord_1"));
        assert_eq!(back.effective_at, AT.plus(Span::days(1)));
        assert_eq!(journal_find(&tx, "order.paid", "ord_1").await.unwrap(), Some(first));
        assert_eq!(journal_find(&tx, "order.paid", "ord_3").await.unwrap(), None);
        let pending = AccountRef::of(AccountCode::MerchantPending);
        assert_eq!(account_balance(&tx, Currency::Cny, &pending).await.unwrap(), Fen::new(12_800), "the other order's");
        assert_eq!(ledger_check(&tx).await.unwrap(), []);
        drop(tx);
        // It stays taken back, what took it back is not taken back, and what is not there neither.
        let again = reversed(&db, &ctx, new[0]).await;
        assert!(matches!(&again, Err(PostError::Irreversible { booked, .. }) if *booked == new[0]), "{again:?}");
        let nothing = reversed(&db, &ctx, JournalId(random::id(AT))).await;
        assert!(matches!(nothing, Err(PostError::Store(StoreError::NotFound))), "{nothing:?}");
        assert!(matches!(booked_again(&db, &ctx).await, Posted::Before(id) if id == first));
    }

    async fn a_floor_holds_for_what_is_taken_back(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let first = booked(&db, &ctx, &paid("ord_1")).await;
        let released = booked(&db, &ctx, &order_released("ord_1", Fen::new(1), AT).unwrap()).await;
        let refused = reversed(&db, &ctx, first).await;
        assert!(matches!(refused, Err(PostError::Floor(AccountCode::MerchantPending))), "{refused:?}");
        reversed(&db, &ctx, released).await.unwrap();
        reversed(&db, &ctx, first).await.unwrap();
        let tx = db.read(&ctx).await.unwrap();
        let pending = AccountRef::of(AccountCode::MerchantPending);
        assert_eq!(account_balance(&tx, Currency::Cny, &pending).await.unwrap(), Fen::ZERO);
    }

    async fn the_database_lets_a_journal_be_taken_back_once(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let first = booked(&db, &ctx, &paid("ord_1")).await;
        booked(&db, &ctx, &paid("ord_2")).await;
        reversed(&db, &ctx, first).await.unwrap();
        let past = postgres::connect(&test_db.superuser_url()).await.unwrap();
        let second = "UPDATE journals SET reverses_id = (SELECT id FROM journals WHERE code = 'order.paid' AND \
                      business_ref = 'ord_1') WHERE business_ref = 'ord_2'";
        let refused = past.execute_unprepared(second).await.unwrap_err().to_string();
        assert!(refused.contains("journals_reverses_key") || refused.contains("journals.reverses_id"), "{refused}");
        past.close().await.unwrap();
    }
}

async fn booked_again(db: &Db, ctx: &TenantCtx) -> Posted {
    let mut tx = db.begin(ctx).await.unwrap();
    journal_post(&mut tx, &paid("ord_1")).await.unwrap()
}
