//! Which row of the menu a page belongs to, where its address does not say it.

/// Begin of the address → the row.
const PAGES: [(&str, &str); 7] = [
    ("/console/merchant/listing_rules", "/console/merchant/listings"),
    ("/console/merchant/listing_runs", "/console/merchant/listings"),
    ("/console/merchant/channel_mappings", "/console/merchant/listings"),
    ("/console/merchant/live_plans", LIVE),
    ("/console/merchant/funds_withdrawals", "/console/merchant/funds"),
    ("/console/merchant/coupons", PROMOTIONS),
    ("/console/merchant/guarantees", AFTERSALES),
];

const LIVE: &str = "/console/merchant/live";
const PROMOTIONS: &str = "/console/merchant/promotions";
const AFTERSALES: &str = "/console/merchant/aftersales";

/// Pages of one account that belong to live sessions.
const OF_LIVE: [&str; 4] = ["live", "live_plans", "showcase", "leads"];
/// Pages of one account that belong to promotions.
const OF_PROMOTIONS: [&str; 2] = ["discounts", "coupons"];

/// The address of the row, or the page's own.
pub fn of(path: &str) -> &str {
    let account = path.strip_prefix("/console/merchant/channel_accounts/");
    match account.and_then(|rest| rest.split('/').nth(1)) {
        Some(page) if OF_LIVE.contains(&page) => return LIVE,
        Some("guarantees") => return AFTERSALES,
        Some(page) if OF_PROMOTIONS.contains(&page) => return PROMOTIONS,
        _ => {}
    }
    let inside =
        |begin: &str| path.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    PAGES.iter().find(|(begin, _)| inside(begin)).map_or(path, |(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_light_the_row_they_are_reached_by() {
        for (path, row) in [
            ("/console/merchant/listing_runs/new", "/console/merchant/listings"),
            ("/console/merchant/live_plans/lvp_1", LIVE),
            ("/console/merchant/channel_accounts/cac_1/leads", LIVE),
            ("/console/merchant/channel_accounts/cac_1/discounts/new", PROMOTIONS),
            ("/console/merchant/coupons/cpn_1", PROMOTIONS),
            ("/console/merchant/channel_accounts/cac_1/guarantees/2000001", AFTERSALES),
            ("/console/merchant/guarantees", AFTERSALES),
            (
                "/console/merchant/channel_accounts/cac_1/menu",
                "/console/merchant/channel_accounts/cac_1/menu",
            ),
            ("/console/merchant/funds_withdrawals/fwd_1", "/console/merchant/funds"),
            ("/console/merchant/orders", "/console/merchant/orders"),
        ] {
            assert_eq!(of(path), row, "{path}");
        }
    }
}
