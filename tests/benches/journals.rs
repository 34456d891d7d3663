//! How fast journals are booked beside the same inserts and balance updates by hand: `cargo bench -p qianpu-tests --bench
//! journals`.
//!
//! 32 connections book payments of orders for a thousand merchants: first all of one provider, then each of a provider of
//! its own, then one merchant alone, whose orders meet at its pending money. The baseline is pgbench with as many
//! connections on the same PostgreSQL: it writes the same journal and entries and changes both balances in a transaction of
//! the same tenants, and checks nothing. All take turns. Point `QIANPU_TEST_DATABASE_URL` at a server with its ordinary
//! settings; the one that tests start for themselves does not wait for its disk and logs every statement. When it is over
//! all books are checked, those of the baseline too.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, read by a person")]

use futures_util::{StreamExt, stream};
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::ledger::flows::order_paid;
use qianpu_domain::money::Fen;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::{Db, DbConfig};
use qianpu_tenants::random;
use qianpu_tenants::store::ledger::{Posted, journal_post};
use qianpu_tests::{TestDb, postgres};
use sea_orm::ConnectionTrait;
use std::process::Command;
use std::time::Instant;
use uuid::Uuid;

const ROUNDS: usize = 5;
const JOURNALS: usize = 8_000;
const AT_ONCE: usize = 32;
const MERCHANTS: usize = 1_000;
/// Where the numbers of merchants begin: those of one provider, and those of a provider each.
const OF_ONE: usize = 1;
const OF_EACH: usize = 10_001;

/// The id of a number, and the same in SQL.
fn id(number: usize) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 + number as u128)
}

fn sql_id(number: &str) -> String {
    format!("('00000000-0000-7000-8000-' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid")
}

/// Merchants with the two accounts that a payment moves.
async fn prepare(db: &TestDb) {
    let connection = postgres::connect(&db.superuser_url()).await.unwrap();
    let numbers = |first: usize| format!("generate_series({first}, {}) AS n", first + MERCHANTS - 1);
    let tenant = "INSERT INTO tenants (tenant_id, kind, parent_id, provider_id, name, state, locale, zone, version, \
                  created_at, updated_at)";
    let rest = "'x', 'active', 'zh', 'Asia/Shanghai', 1, 0, 0";
    let mut statements = vec![format!(
        "{tenant} SELECT {}, 'provider', NULL, NULL, {rest} FROM {}",
        sql_id("n + 20000"),
        numbers(0)
    )];
    for (first, provider) in [(OF_ONE, "20000".to_owned()), (OF_EACH, format!("20000 + n - {OF_EACH}"))] {
        let provider = sql_id(&provider);
        statements.push(format!(
            "{tenant} SELECT {}, 'merchant', {provider}, {provider}, {rest} FROM {}",
            sql_id("n"),
            numbers(first)
        ));
        for (after, code, owner, side, floor) in
            [(100_000, 1030, "wechat", "debit", "none"), (200_000, 2020, "", "credit", "zero")]
        {
            statements.push(format!(
                "INSERT INTO ledger_accounts SELECT {}, {}, {provider}, 'CNY', {code}, '{owner}', '{side}', '{floor}', \
                 'open', 0, 1, 0, 0 FROM {}",
                sql_id("n"),
                sql_id(&format!("n + {after}")),
                numbers(first)
            ));
        }
    }
    for statement in statements {
        connection.execute_unprepared(&statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// The same by hand, for merchants from `first` on.
fn script(first: usize, merchants: usize, provider: &str) -> String {
    let (merchant, provider) = (sql_id(":m"), sql_id(provider));
    let (journal, escrow, pending) =
        (sql_id(":r::bigint + 1000000000000"), sql_id(":m + 100000"), sql_id(":m + 200000"));
    let update = "SET balance_fen = balance_fen + 12800, version = version + 1, updated_at = 0";
    format!(
        "\\set m random({first}, {})\n\\set r random(1, 200000000000000)\nBEGIN;\n\
         SELECT set_config('app.tenant_id', ({merchant})::text, true);\n\
         INSERT INTO journals (tenant_id, id, provider_id, currency, code, business_ref, description, actor_kind, actor_id, \
         effective_at, recorded_at) VALUES ({merchant}, {journal}, {provider}, 'CNY', 'order.paid', 'by-hand-' || :r, '', \
         'system', 'by hand', 0, 0) ON CONFLICT (tenant_id, code, business_ref) DO NOTHING;\n\
         UPDATE ledger_accounts {update} WHERE tenant_id = {merchant} AND id = {escrow} RETURNING balance_fen AS e \\gset\n\
         UPDATE ledger_accounts {update} WHERE tenant_id = {merchant} AND id = {pending} RETURNING balance_fen AS p \\gset\n\
         INSERT INTO ledger_entries (tenant_id, journal_id, leg_no, next_leg_no, id, provider_id, currency, account_id, side, \
         amount_fen, before_fen, after_fen, balance_after_fen, created_at) VALUES \
         ({merchant}, {journal}, 1, 2, gen_random_uuid(), {provider}, 'CNY', {escrow}, 'debit', 12800, 0, 12800, :e, 0), \
         ({merchant}, {journal}, 2, 1, gen_random_uuid(), {provider}, 'CNY', {pending}, 'credit', 12800, 12800, 0, :p, 0);\n\
         COMMIT;\n",
        first + merchants - 1
    )
}

/// Transactions per second of pgbench with the script.
fn pgbench(url: &str, script: &std::path::Path) -> usize {
    let (each, at_once) = ((JOURNALS / AT_ONCE).to_string(), AT_ONCE.to_string());
    let script = script.to_str().unwrap();
    let mut command = Command::new("pgbench");
    command.args(["-n", "-M", "prepared", "-j", "2", "-c", &at_once, "-t", &each, "-f", script, url]);
    let told = command.output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let line = line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&told.stderr)));
    line.split('.').next().unwrap().parse().unwrap()
}

/// Journals per second, [`AT_ONCE`] at a time, for the merchants in turn.
async fn book(db: &Db, merchants: &[TenantCtx], first: usize) -> usize {
    let start = Instant::now();
    stream::iter(0..JOURNALS)
        .map(|number| async move {
            let ctx = &merchants[number * 7_919 % merchants.len()];
            let at = db.clock().now();
            let paid =
                order_paid(&format!("ord_{}", first + number), "wechat", Fen::new(12_800), at).unwrap();
            let mut tx = db.begin(ctx).await.unwrap();
            assert!(matches!(journal_post(&mut tx, &paid).await.unwrap(), Posted::New(_)));
            tx.commit().await.unwrap();
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
    JOURNALS * 1_000_000 / usize::try_from(start.elapsed().as_micros()).unwrap()
}

fn hundredths(own: usize, other: usize) -> String {
    let percent = own * 100 / other;
    format!("{}.{:02}", percent / 100, percent % 100)
}

#[actix_web::main]
async fn main() {
    let test_db = TestDb::postgres("journals").await.unwrap();
    prepare(&test_db).await;
    let connections = u32::try_from(AT_ONCE).unwrap();
    let db = Db::connect(&DbConfig::new(test_db.url(), connections), Clock::system()).await.unwrap();
    let system = SystemCtx::for_task("bench", RequestId(random::id(db.clock().now())));
    let mut of = Vec::new();
    for first in [OF_ONE, OF_EACH] {
        let mut merchants = Vec::new();
        for number in first..first + MERCHANTS {
            merchants.push(TenantCtx::for_system(&db, &system, TenantId(id(number))).await.unwrap());
        }
        of.push(merchants);
    }
    let alone = vec![of[0][0].clone()];
    let ways: [(&str, &[TenantCtx], String); 3] = [
        ("a thousand merchants of one provider", &of[0], script(OF_ONE, MERCHANTS, "20000")),
        (
            "a thousand merchants of a provider each",
            &of[1],
            script(OF_EACH, MERCHANTS, &format!("20000 + :m - {OF_EACH}")),
        ),
        ("one merchant", &alone, script(OF_ONE, 1, "20000")),
    ];
    let dir = tempfile::tempdir().unwrap();
    let (mut number, mut all) = (0, vec![Vec::new(); ways.len()]);
    println!("round  journals/s  pgbench/s   ratio");
    for round in 0..ROUNDS {
        for (at, (name, merchants, sql)) in ways.iter().enumerate() {
            let path = dir.path().join(format!("{at}.sql"));
            std::fs::write(&path, sql).unwrap();
            let own = book(&db, merchants, number).await;
            number += JOURNALS;
            let bare = pgbench(&test_db.url(), &path);
            println!("{round:>5} {own:>11} {bare:>10}    {}  {name}", hundredths(own, bare));
            all[at].push((own * 100 / bare, own));
        }
    }
    for ((name, ..), of) in ways.iter().zip(&mut all) {
        of.sort_unstable();
        println!("middle of {ROUNDS}, {name}: {}", hundredths(of[ROUNDS / 2].0, 100));
    }
    let middle = |at: usize| {
        let mut own: Vec<usize> = all[at].iter().map(|(_, own)| *own).collect();
        own.sort_unstable();
        own[ROUNDS / 2]
    };
    println!(
        "time of one provider's beside those spread over providers: {}",
        hundredths(middle(1), middle(0))
    );
    db.close().await.unwrap();
}
