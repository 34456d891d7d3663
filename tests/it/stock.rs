//! Stock by itself: never below zero, never sold twice, however many buyers there are at once.

use qianpu_domain::access::Surface;
use qianpu_domain::catalog::Specification;
use qianpu_domain::ids::{OrderId, RequestId, ShopId, SkuId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::stock::StockLevel;
use qianpu_domain::subject::{ShopName, ShopSlug};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::random;
use qianpu_tenants::store::product::{ProductContent, product_insert};
use qianpu_tenants::store::shop::{NewShop, shop_insert};
use qianpu_tenants::store::sku::{SkuContent, sku_insert};
use qianpu_tenants::store::stock::{
    MovementNote, Once, StockRefusal, movement_list, stock_adjust, stock_hold, stock_level, stock_open,
    stock_release_expired, stock_release_hold, stock_return, stock_sell_direct, stock_sell_hold, stock_set,
    stock_split,
};
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert};
use qianpu_tests::both;

const START: Timestamp = Timestamp::from_seconds(1_760_000_000);

fn request() -> RequestId {
    RequestId(random::id(START))
}

fn order() -> OrderId {
    OrderId(random::id(START))
}

/// A merchant with one shop, one product and one SKU.
async fn sku_with(db: &Db, on_hand: i64) -> (TenantCtx, SkuId) {
    let system = SystemCtx::for_task("test", request());
    let mut tx = db.begin_system(&system).await.unwrap();
    let provider = TenantId(random::id(tx.now()));
    let merchant = TenantId(random::id(tx.now()));
    for (id, kind) in [(provider, Surface::Provider), (merchant, Surface::Merchant)] {
        let new = NewTenant {
            id,
            kind,
            provider: Some(provider),
            name: "T",
            state: TenantState::Active,
            locale: "zh",
        };
        tenant_insert(&mut tx, &new).await.unwrap();
    }
    tx.commit().await.unwrap();
    let ctx = TenantCtx::for_system(db, &system, merchant).await.unwrap();
    let mut tx = db.begin(&ctx).await.unwrap();
    let shop = ShopId(tx.new_id());
    let name = ShopName::parse("小店").unwrap();
    let slug = ShopSlug::parse("little-shop").unwrap();
    shop_insert(&mut tx, &NewShop { id: shop, application: None, name: &name, slug: &slug, category: None })
        .await
        .unwrap();
    let specifications: [Specification; 0] = [];
    let content = ProductContent {
        category: None,
        code: None,
        title: "茶杯",
        subtitle: "",
        description: "",
        specifications: &specifications,
    };
    let product = product_insert(&mut tx, shop, &content).await.unwrap();
    let content = SkuContent {
        position: 0,
        values: &[],
        price: Fen::new(100),
        market_price: None,
        code: None,
        barcode: None,
        weight_g: None,
    };
    let sku = sku_insert(&mut tx, product, &content).await.unwrap();
    stock_open(&mut tx, sku, on_hand).await.unwrap();
    tx.commit().await.unwrap();
    (ctx, sku)
}

async fn level(db: &Db, ctx: &TenantCtx, sku: SkuId) -> (i64, i64, i64) {
    let tx = db.read(ctx).await.unwrap();
    let StockLevel { on_hand, held, sold } = stock_level(&tx, sku).await.unwrap();
    let page = movement_list(&tx, sku, PageRequest::first(100)).await.unwrap();
    if page.next.is_none() {
        let sum = page.items.iter().fold((0, 0, 0), |sum, row| {
            (sum.0 + row.movement.on_hand, sum.1 + row.movement.held, sum.2 + row.movement.sold)
        });
        assert_eq!(sum, (on_hand, held, sold), "the movements add up to the level");
    }
    (on_hand, held, sold)
}

/// One transaction around one step, as an order does it.
macro_rules! step {
    ($db:expr, $ctx:expr, |$tx:ident| $work:expr) => {{
        let mut $tx = $db.begin($ctx).await.unwrap();
        let outcome = $work;
        if outcome.is_ok() {
            $tx.commit().await.unwrap();
        }
        outcome
    }};
}

fn code<T: std::fmt::Debug>(outcome: Result<T, StockRefusal>) -> &'static str {
    outcome.unwrap_err().code().as_str()
}

async fn crowd(db: &Db, ctx: &TenantCtx, sku: SkuId, buyers: usize) -> (usize, usize) {
    let until = db.clock().now().plus(Span::minutes(15));
    let tasks: Vec<_> = (0..buyers)
        .map(|_| {
            let (db, ctx) = (db.clone(), ctx.clone());
            tokio::spawn(async move {
                let order = order();
                let mut tx = db.begin(&ctx).await.unwrap();
                match stock_hold(&mut tx, order, sku, 1, until).await {
                    Ok(once) => {
                        assert_eq!(once, Once::Now);
                        tx.commit().await.unwrap();
                        true
                    }
                    Err(refusal) => {
                        assert_eq!(refusal.code().as_str(), "stock_short");
                        false
                    }
                }
            })
        })
        .collect();
    let mut got = 0;
    let mut refused = 0;
    for task in tasks {
        if task.await.unwrap() { got += 1 } else { refused += 1 }
    }
    (got, refused)
}

both! {
    async fn a_hundred_buyers_of_ten_pieces(test_db: TestDb) {
        let db = test_db.open(Clock::fixed(START)).await;
        let (ctx, sku) = sku_with(&db, 10).await;
        assert_eq!(crowd(&db, &ctx, sku, 100).await, (10, 90));
        assert_eq!(level(&db, &ctx, sku).await, (10, 10, 0));
        // Unpaid, they come back once.
        db.clock().advance(Span::minutes(16));
        let released = step!(db, &ctx, |tx| stock_release_expired(&mut tx, 100).await).unwrap();
        assert_eq!(released.len(), 10);
        let again = step!(db, &ctx, |tx| stock_release_expired(&mut tx, 100).await).unwrap();
        assert!(again.is_empty());
        assert_eq!(level(&db, &ctx, sku).await, (10, 0, 0));
    }

    async fn a_hundred_buyers_of_a_split_sku(test_db: TestDb) {
        let db = test_db.open(Clock::fixed(START)).await;
        let (ctx, sku) = sku_with(&db, 42).await;
        step!(db, &ctx, |tx| stock_split(&mut tx, sku, 8).await).unwrap();
        assert_eq!(level(&db, &ctx, sku).await, (42, 0, 0));
        assert_eq!(crowd(&db, &ctx, sku, 100).await, (42, 58));
        assert_eq!(level(&db, &ctx, sku).await, (42, 42, 0));
    }

    async fn an_order_larger_than_any_bucket_is_put_together(test_db: TestDb) {
        let db = test_db.open(Clock::fixed(START)).await;
        let (ctx, sku) = sku_with(&db, 20).await;
        step!(db, &ctx, |tx| stock_split(&mut tx, sku, 4).await).unwrap();
        let (one, two) = (order(), order());
        let until = START.plus(Span::minutes(15));
        step!(db, &ctx, |tx| stock_hold(&mut tx, one, sku, 17, until).await).unwrap();
        assert_eq!(level(&db, &ctx, sku).await, (20, 17, 0));
        assert_eq!(code(step!(db, &ctx, |tx| stock_hold(&mut tx, two, sku, 4, until).await)), "stock_short");
        assert_eq!(level(&db, &ctx, sku).await, (20, 17, 0));
        step!(db, &ctx, |tx| stock_sell_hold(&mut tx, one, sku).await).unwrap();
        assert_eq!(level(&db, &ctx, sku).await, (3, 0, 17));
        step!(db, &ctx, |tx| stock_set(&mut tx, sku, 1, MovementNote::default()).await).unwrap();
        step!(db, &ctx, |tx| stock_set(&mut tx, sku, 9, MovementNote::default()).await).unwrap();
        step!(db, &ctx, |tx| stock_return(&mut tx, one, sku).await).unwrap();
        assert_eq!(level(&db, &ctx, sku).await, (26, 0, 0));
    }

    async fn each_step_of_an_order_happens_once(test_db: TestDb) {
        let db = test_db.open(Clock::fixed(START)).await;
        let (ctx, sku) = sku_with(&db, 10).await;
        let until = START.plus(Span::minutes(15));
        let held = order();
        for once in [Once::Now, Once::Before] {
            assert_eq!(step!(db, &ctx, |tx| stock_hold(&mut tx, held, sku, 3, until).await).unwrap(), once);
            assert_eq!(level(&db, &ctx, sku).await, (10, 3, 0));
        }
        assert_eq!(code(step!(db, &ctx, |tx| stock_hold(&mut tx, held, sku, 4, until).await)), "conflict");
        for once in [Once::Now, Once::Before] {
            assert_eq!(step!(db, &ctx, |tx| stock_sell_hold(&mut tx, held, sku).await).unwrap(), once);
            assert_eq!(level(&db, &ctx, sku).await, (7, 0, 3));
        }
        assert_eq!(code(step!(db, &ctx, |tx| stock_release_hold(&mut tx, held, sku).await)), "conflict");
        assert_eq!(step!(db, &ctx, |tx| stock_sell_direct(&mut tx, held, sku, 3).await).unwrap(), Once::Before);
        for once in [Once::Now, Once::Before] {
            assert_eq!(step!(db, &ctx, |tx| stock_return(&mut tx, held, sku).await).unwrap(), once);
            assert_eq!(level(&db, &ctx, sku).await, (10, 0, 0));
        }
        // A hold that ran out before the payment was known is sold afresh, when there is stock.
        let late = order();
        step!(db, &ctx, |tx| stock_hold(&mut tx, late, sku, 2, until).await).unwrap();
        for once in [Once::Now, Once::Before] {
            assert_eq!(step!(db, &ctx, |tx| stock_release_hold(&mut tx, late, sku).await).unwrap(), once);
        }
        assert_eq!(code(step!(db, &ctx, |tx| stock_sell_hold(&mut tx, late, sku).await)), "conflict");
        assert_eq!(step!(db, &ctx, |tx| stock_sell_direct(&mut tx, late, sku, 2).await).unwrap(), Once::Now);
        assert_eq!(level(&db, &ctx, sku).await, (8, 0, 2));
        // A channel's sale beyond what there is.
        let oversold = order();
        assert_eq!(code(step!(db, &ctx, |tx| stock_sell_direct(&mut tx, oversold, sku, 9).await)), "stock_short");
        for bad in [0, -1, i64::MIN, i64::MAX] {
            assert_eq!(code(step!(db, &ctx, |tx| stock_hold(&mut tx, oversold, sku, bad, until).await)), "stock_range");
        }
        assert_eq!(level(&db, &ctx, sku).await, (8, 0, 2));
    }

    async fn the_merchant_counts_and_corrects(test_db: TestDb) {
        let db = test_db.open(Clock::fixed(START)).await;
        let (ctx, sku) = sku_with(&db, 5).await;
        let note = MovementNote { order: None, text: "盘点" };
        step!(db, &ctx, |tx| stock_hold(&mut tx, order(), sku, 4, START.plus(Span::days(1))).await).unwrap();
        assert_eq!(code(step!(db, &ctx, |tx| stock_set(&mut tx, sku, 3, note).await)), "stock_short");
        assert_eq!(code(step!(db, &ctx, |tx| stock_adjust(&mut tx, sku, -2, note).await)), "stock_short");
        assert_eq!(code(step!(db, &ctx, |tx| stock_adjust(&mut tx, sku, 0, note).await)), "stock_range");
        assert_eq!(code(step!(db, &ctx, |tx| stock_set(&mut tx, sku, 10_000_001, note).await)), "stock_range");
        assert_eq!(code(step!(db, &ctx, |tx| stock_adjust(&mut tx, sku, 10_000_000, note).await)), "stock_range");
        step!(db, &ctx, |tx| stock_set(&mut tx, sku, 4, note).await).unwrap();
        step!(db, &ctx, |tx| stock_adjust(&mut tx, sku, 6, note).await).unwrap();
        step!(db, &ctx, |tx| stock_adjust(&mut tx, sku, -1, note).await).unwrap();
        assert_eq!(level(&db, &ctx, sku).await, (9, 4, 0));
        let tx = db.read(&ctx).await.unwrap();
        assert!(stock_level(&tx, SkuId(random::id(START))).await.is_err());
    }
}
