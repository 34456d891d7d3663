//! Random facts on a real database beside a model that knows no journals: after every one each account holds what the
//! model says to the fen, and the books are in order (specification R10 and R12). What was told before changes nothing,
//! what is told differently or asks for more than there is is refused, and nothing of it stays.
//!
//! `QIANPU_MODEL_STEPS` (facts on each database in each of the eight tests) and `QIANPU_MODEL_SEED` make a longer run, or another one.

mod facts;
mod figures;
mod journals;

use super::{AT, request};
use facts::{Draw, Fact};
use figures::Model;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::TenantId;
use qianpu_domain::ledger::flows::{PaidOutOf, deposit_frozen, payout_requested};
use qianpu_domain::ledger::{AccountCode, Journal, JournalBuilder, Side};
use qianpu_domain::money::{Currency, Fen};
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::{Db, TenantTx};
use qianpu_tenants::random;
use qianpu_tenants::store::ledger::{PostError, Posted, account_list, journal_post, roll_up};
use qianpu_tenants::store::ledger_check::ledger_check;
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert};
use qianpu_tests::both;
use qianpu_tests::db::TestDb;
use std::collections::BTreeMap;

/// Facts on each database in each of the eight tests below, which share the whole out: a single one would take too long.
/// With what is asked in vain and the roll-ups between them, both databases see 100,000 operations.
const STEPS: u64 = 5_000;
/// Facts of one merchant.
const EACH: usize = 50;
/// Merchants at once.
const AT_ONCE: usize = 4;

fn from_env(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

async fn tenant(db: &Db, system: &SystemCtx, id: TenantId, provider: TenantId, kind: Surface) {
    let mut tx = db.begin_system(system).await.unwrap();
    let new =
        NewTenant { id, kind, provider: Some(provider), name: "x", state: TenantState::Active, locale: "zh" };
    tenant_insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
}

/// What every account holds, and that the books are in order.
async fn held(tx: &TenantTx) -> BTreeMap<(AccountCode, String), i64> {
    assert_eq!(ledger_check(tx).await.unwrap(), []);
    let accounts = account_list(tx, Currency::Cny).await.unwrap();
    let rows = accounts.into_iter().map(|row| ((row.code, row.owner), row.balance.get()));
    rows.filter(|(_, fen)| *fen != 0).collect()
}

/// The same fact with a fen more.
fn told_differently(journal: &Journal) -> Journal {
    let (first, rest) = journal.legs().split_first().unwrap();
    let more = |fen: Fen| fen.add(Fen::new(1)).unwrap();
    let mut builder = JournalBuilder::new(journal.code(), journal.business_ref(), AT);
    let put = |builder: JournalBuilder, leg: &qianpu_domain::ledger::Leg, fen| match leg.side {
        Side::Debit => builder.debit(leg.account.clone(), fen),
        Side::Credit => builder.credit(leg.account.clone(), fen),
    };
    builder = put(builder, first, more(first.amount));
    let across = rest.iter().position(|leg| leg.side != first.side).unwrap();
    for (at, leg) in rest.iter().enumerate() {
        builder = put(builder, leg, if at == across { more(leg.amount) } else { leg.amount });
    }
    builder.build().unwrap()
}

/// What may be asked at any time and changes nothing.
async fn asked_in_vain(
    db: &Db,
    ctx: &TenantCtx,
    model: &Model,
    booked: &[Journal],
    draw: &mut Draw,
    n: usize,
) {
    let mut tx = db.begin(ctx).await.unwrap();
    match draw.below(4) {
        0 if !booked.is_empty() => {
            let again = &booked[draw.below(booked.len())];
            let posted = journal_post(&mut tx, again).await;
            assert!(matches!(posted, Ok(Posted::Before(_))), "{posted:?}: {again:?}");
            tx.commit().await.unwrap();
        }
        1 if !booked.is_empty() => {
            let other = told_differently(&booked[draw.below(booked.len())]);
            let posted = journal_post(&mut tx, &other).await;
            assert!(matches!(posted, Err(PostError::Differs { .. })), "{posted:?}: {other:?}");
        }
        2 => {
            let more = Fen::new(model.of(AccountCode::DepositAvailable, "basic") + 1);
            let posted =
                journal_post(&mut tx, &deposit_frozen(&format!("no{n}"), "basic", more, AT).unwrap()).await;
            assert!(matches!(posted, Err(PostError::Floor(AccountCode::DepositAvailable))), "{posted:?}");
        }
        _ => {
            let more = Fen::new(model.of(AccountCode::MerchantAvailable, "") + 1);
            let wanted = payout_requested(&format!("no{n}"), &PaidOutOf::Available, more, AT).unwrap();
            let posted = journal_post(&mut tx, &wanted).await;
            assert!(matches!(posted, Err(PostError::Floor(AccountCode::MerchantAvailable))), "{posted:?}");
        }
    }
}

/// A merchant of its own, and what becomes of it.
async fn merchant(db: Db, provider: TenantId, seed: u64) {
    let system = SystemCtx::for_task("test", request());
    let id = TenantId(random::id(AT));
    tenant(&db, &system, id, provider, Surface::Merchant).await;
    let ctx = TenantCtx::for_system(&db, &system, id).await.unwrap();
    let mut draw = Draw(seed);
    let mut model = Model::new(draw.terms());
    let (mut told, mut booked): (Vec<Fact>, Vec<Journal>) = (Vec::new(), Vec::new());
    for n in 0..EACH {
        let fact = draw.fact(&model, n);
        told.push(fact.clone());
        let in_vain = draw.below(8);
        if in_vain == 0 {
            asked_in_vain(&db, &ctx, &model, &booked, &mut draw, n).await;
        }
        let mut tx = db.begin(&ctx).await.unwrap();
        booked.extend(journals::book(&mut tx, &model, &fact).await);
        model.apply(&fact);
        if in_vain == 1 {
            roll_up(&mut tx, 20).await.unwrap();
        }
        let (here, there) = (model.held(), held(&tx).await);
        assert_eq!(here, there, "seed {seed}, {:?}: {told:#?}", model.terms);
        tx.commit().await.unwrap();
    }
}

/// Random facts from this share of the seeds.
async fn any_facts(test_db: TestDb, share: u64) {
    let db = test_db.open(Clock::fixed(AT)).await;
    let system = SystemCtx::for_task("test", request());
    let provider = TenantId(random::id(AT));
    tenant(&db, &system, provider, provider, Surface::Provider).await;
    let merchants = from_env("QIANPU_MODEL_STEPS", STEPS).div_ceil(u64::try_from(EACH).unwrap());
    let first = from_env("QIANPU_MODEL_SEED", 1) + share * merchants;
    let mut running = tokio::task::JoinSet::new();
    for seed in (first..).take(usize::try_from(merchants).unwrap()) {
        if running.len() == AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(merchant(db.clone(), provider, seed));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

macro_rules! shares {
    ($($name:ident = $share:literal),+ $(,)?) => {
        both! {
            $(async fn $name(test_db: TestDb) {
                any_facts(test_db, $share).await;
            })+
        }
    };
}

// Any facts in any order leave what the model says.
shares! {
    share_1 = 0,
    share_2 = 1,
    share_3 = 2,
    share_4 = 3,
    share_5 = 4,
    share_6 = 5,
    share_7 = 6,
    share_8 = 7,
}
