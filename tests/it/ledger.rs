//! The books on a real database: once only, floors, append-only, balance under contention.

mod facts;
mod locks;
mod model;
mod pictures;
mod proof;
mod reversals;
mod rolled;
mod takeover;

use qianpu_domain::access::Surface;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::ledger::flows::{
    ReceivedAt, deposit_frozen, deposit_topped_up, order_paid, order_released, take_rate_charged,
};
use qianpu_domain::ledger::{AccountCode, AccountRef, Side};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::random;
use qianpu_tenants::store::ledger::{
    PostError, Posted, account_balance, account_list, journal_list, journal_post,
};
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert};
use qianpu_tests::{TestDb, both};

const AT: Timestamp = Timestamp::from_seconds(1_760_000_000);

fn request() -> RequestId {
    RequestId(random::id(AT))
}

/// A merchant of its own with empty books.
pub async fn merchant(db: &TestDb) -> (Db, TenantCtx) {
    let db = db.open(Clock::fixed(AT)).await;
    let system = SystemCtx::for_task("test", request());
    let mut tx = db.begin_system(&system).await.unwrap();
    let (provider, id) = (TenantId(random::id(AT)), TenantId(random::id(AT)));
    let new = |id, kind| NewTenant {
        id,
        kind,
        provider: Some(provider),
        name: "x",
        state: TenantState::Active,
        locale: "zh",
    };
    tenant_insert(&mut tx, &new(provider, Surface::Provider)).await.unwrap();
    tenant_insert(&mut tx, &new(id, Surface::Merchant)).await.unwrap();
    tx.commit().await.unwrap();
    let ctx = TenantCtx::for_system(&db, &system, id).await.unwrap();
    (db, ctx)
}

/// Sum of balances with their normal sides; a book in order gives zero.
async fn book_sum(db: &Db, ctx: &TenantCtx) -> i64 {
    let tx = db.read(ctx).await.unwrap();
    let accounts = account_list(&tx, Currency::Cny).await.unwrap();
    accounts
        .iter()
        .map(|row| if row.code.side() == Side::Debit { row.balance.get() } else { -row.balance.get() })
        .sum()
}

both! {
    async fn a_fact_is_booked_once_and_the_book_sums_to_zero(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let paid = order_paid("ord_1", "wechat", Fen::new(12_800), AT).unwrap();
        let mut tx = db.begin(&ctx).await.unwrap();
        let Posted::New(id) = journal_post(&mut tx, &paid).await.unwrap() else { panic!("booked before") };
        assert_eq!(journal_post(&mut tx, &paid).await.unwrap(), Posted::Before(id));
        let fee = take_rate_charged("ord_1", Fen::new(12_800), 20_000, 60_000, AT).unwrap().unwrap();
        journal_post(&mut tx, &fee).await.unwrap();
        journal_post(&mut tx, &order_released("ord_1", Fen::new(12_544), AT).unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let tx = db.read(&ctx).await.unwrap();
        let balance = |code| account_balance(&tx, Currency::Cny, Box::leak(Box::new(AccountRef::of(code))));
        assert_eq!(balance(AccountCode::MerchantPending).await.unwrap(), Fen::ZERO);
        assert_eq!(balance(AccountCode::MerchantAvailable).await.unwrap(), Fen::new(12_544));
        let journals = journal_list(&tx, PageRequest::first(10)).await.unwrap();
        assert_eq!(journals.items.len(), 3);
        assert!(journals.items.iter().all(|journal| journal.legs.len() >= 2));
        drop(tx);
        assert_eq!(book_sum(&db, &ctx).await, 0);
    }
}

both! {
    async fn a_floor_refuses_and_nothing_stays(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let into = ReceivedAt::Bank("icbc".into());
        let mut tx = db.begin(&ctx).await.unwrap();
        journal_post(&mut tx, &deposit_topped_up("rcp_1", "basic", Fen::new(1_000), &into, AT).unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin(&ctx).await.unwrap();
        let refused = journal_post(&mut tx, &deposit_frozen("case_1", "basic", Fen::new(1_001), AT).unwrap()).await;
        assert!(matches!(refused, Err(PostError::Floor(AccountCode::DepositAvailable))), "{refused:?}");
        drop(tx);
        assert_eq!(book_sum(&db, &ctx).await, 0);
        let tx = db.read(&ctx).await.unwrap();
        assert_eq!(journal_list(&tx, PageRequest::first(10)).await.unwrap().items.len(), 1);
    }
}

both! {
    async fn parallel_freezes_never_take_more_than_there_is(test_db: TestDb) {
        let (db, ctx) = merchant(&test_db).await;
        let into = ReceivedAt::Bank("icbc".into());
        let mut tx = db.begin(&ctx).await.unwrap();
        journal_post(&mut tx, &deposit_topped_up("rcp_1", "basic", Fen::new(1_000), &into, AT).unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let tasks = (0..20).map(|n| {
            let (db, ctx) = (db.clone(), ctx.clone());
            tokio::spawn(async move {
                let mut tx = db.begin(&ctx).await.unwrap();
                let draft = deposit_frozen(&format!("case_{n}"), "basic", Fen::new(100), AT).unwrap();
                match journal_post(&mut tx, &draft).await {
                    Ok(_) => {
                        tx.commit().await.unwrap();
                        true
                    }
                    Err(PostError::Floor(_)) => false,
                    Err(other) => panic!("{other}"),
                }
            })
        });
        let mut frozen = 0;
        for task in tasks.collect::<Vec<_>>() {
            frozen += usize::from(task.await.unwrap());
        }
        assert_eq!(frozen, 10);
        assert_eq!(book_sum(&db, &ctx).await, 0);
    }
}
