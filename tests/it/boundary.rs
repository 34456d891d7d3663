//! The data boundary by itself: transactions, queues, idempotency, sessions, directory.

use qianpu_domain::access::{Role, Surface};
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::idempotency::{Claim, IdempotencyKey, idempotency_claim, idempotency_complete};
use qianpu_tenants::inbox::{NewInboxMessage, Stored, inbox_insert};
use qianpu_tenants::jobs::{JobFailure, NewJob, job_claim, job_enqueue, job_fail, job_finish};
use qianpu_tenants::store::session::{RefreshUse, SessionKind, refresh_insert, refresh_use, session_insert};
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert};
use qianpu_tenants::store::{staff, user};
use qianpu_tenants::{random, resolve};
use qianpu_tests::{TestDb, both};
use serde_json::json;

fn request() -> RequestId {
    RequestId(random::id(Timestamp::from_seconds(1_760_000_000)))
}

async fn fresh(db: &TestDb) -> (Db, TenantCtx) {
    let db = db.open(Clock::fixed(Timestamp::from_seconds(1_760_000_000))).await;
    let system = SystemCtx::for_task("test", request());
    let mut tx = db.begin_system(&system).await.unwrap();
    let id = TenantId(random::id(tx.now()));
    let new = NewTenant {
        id,
        kind: Surface::Provider,
        provider: Some(id),
        name: "P",
        state: TenantState::Active,
        locale: "zh",
    };
    tenant_insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    let ctx = TenantCtx::for_system(&db, &system, id).await.unwrap();
    (db, ctx)
}

both! {
    async fn a_job_runs_once_waits_its_turn_and_can_be_laid_aside(test_db: TestDb) {
        let (db, ctx) = fresh(&test_db).await;
        let job = || NewJob {
            kind: "k",
            dedup_key: Some("a".into()),
            payload: json!({"n": 1}),
            run_at: None,
            priority: 5,
        };
        let mut tx = db.begin(&ctx).await.unwrap();
        assert!(job_enqueue(&mut tx, job()).await.unwrap());
        assert!(!job_enqueue(&mut tx, job()).await.unwrap(), "the same key waits already");
        tx.commit().await.unwrap();
        let claimed = job_claim(&db, 10, request()).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert!(job_claim(&db, 10, request()).await.unwrap().is_empty(), "leased");
        let mut tx = db.begin(&ctx).await.unwrap();
        assert!(job_enqueue(&mut tx, job()).await.unwrap(), "a running job does not stand for later work");
        let later = JobFailure::RetryLater { after: Span::seconds(60), code: "busy".into(), text: "busy".into() };
        job_fail(&mut tx, &claimed[0], &later).await.unwrap();
        tx.commit().await.unwrap();
        let again = job_claim(&db, 10, request()).await.unwrap();
        assert_eq!(again.len(), 1, "the failed one gave way to its twin");
        db.clock().advance(Span::minutes(5));
        let taken_over = job_claim(&db, 10, request()).await.unwrap();
        assert_eq!(taken_over.len(), 1, "the lease ran out");
        let mut tx = db.begin(&ctx).await.unwrap();
        assert!(!job_finish(&mut tx, &again[0]).await.unwrap(), "the first worker lost it");
        assert!(job_finish(&mut tx, &taken_over[0]).await.unwrap());
        tx.commit().await.unwrap();
    }
}

both! {
    async fn keys_pushes_and_refresh_tokens_are_used_once(test_db: TestDb) {
        let (db, ctx) = fresh(&test_db).await;
        let mut tx = db.begin(&ctx).await.unwrap();
        let key =
            IdempotencyKey { principal: "usr_1", method: "POST", route: "/x", key: "k", body_sha256: [1; 32] };
        assert_eq!(idempotency_claim(&mut tx, &key).await.unwrap(), Claim::Fresh);
        assert_eq!(idempotency_claim(&mut tx, &key).await.unwrap(), Claim::InFlight);
        idempotency_complete(&mut tx, &key, 201, "{}").await.unwrap();
        assert_eq!(
            idempotency_claim(&mut tx, &key).await.unwrap(),
            Claim::Replay { status: 201, body: "{}".into() }
        );
        let other = IdempotencyKey { body_sha256: [2; 32], ..key };
        assert_eq!(idempotency_claim(&mut tx, &other).await.unwrap(), Claim::Mismatch);

        let push = NewInboxMessage {
            native_type: "",
            owner: ctx.tenant().0,
            dedup_key: "d",
            kind: "order.paid",
            subject: "1",
            payload: "{}",
        };
        assert!(matches!(inbox_insert(&mut tx, &push).await.unwrap(), Stored::New(_)));
        assert_eq!(inbox_insert(&mut tx, &push).await.unwrap(), Stored::Duplicate);

        let new = user::NewUser { email: "A@b.c", display_name: "A", password_hash: "x", locale: "zh" };
        let person = user::user_insert(&mut tx, &new).await.unwrap();
        assert!(matches!(user::user_insert(&mut tx, &new).await, Err(StoreError::Conflict("login_email"))));
        staff::grant_insert(&mut tx, person, Role::ProviderOwner, None).await.unwrap();
        let session = session_insert(&mut tx, person, SessionKind::Api, "t", "ua", Span::days(1)).await.unwrap();
        refresh_insert(&mut tx, session, "r1", Span::days(1)).await.unwrap();
        assert_eq!(refresh_use(&mut tx, "r1").await.unwrap(), RefreshUse::Good(session));
        assert_eq!(refresh_use(&mut tx, "r1").await.unwrap(), RefreshUse::Reused(session));
        tx.commit().await.unwrap();

        let caller = resolve::by_token(&db, ctx.tenant(), session, request()).await.unwrap().unwrap();
        assert_eq!(caller.person().unwrap().email, "a@b.c");
        assert!(caller.grant::<qianpu_tenants::authz::perm::ApplicationReview>().is_ok());
        assert!(caller.grant::<qianpu_tenants::authz::perm::ProductWrite>().is_err());
        let (found, id) = resolve::by_login_email(&db, "a@B.c", request()).await.unwrap().unwrap();
        assert_eq!((found.tenant(), id), (ctx.tenant(), person));
    }
}
