//! Which row of the menu a page belongs to, where its address does not say it.

/// Begin of the address → the row.
const PAGES: [(&str, &str); 5] = [
    ("/console/merchant/listing_rules", "/console/merchant/listings"),
    ("/console/merchant/listing_runs", "/console/merchant/listings"),
    ("/console/merchant/channel_mappings", "/console/merchant/listings"),
    ("/console/merchant/live_plans", LIVE),
    ("/console/merchant/funds_withdrawals", "/console/merchant/funds"),
];

const LIVE: &str = "/console/merchant/live";

/// Pages of one account that belong to live sessions.
const OF_LIVE: [&str; 4] = ["live", "live_plans", "showcase", "leads"];

/// The address of the row, or the page's own.
pub fn of(path: &str) -> &str {
    let account = path.strip_prefix("/console/merchant/channel_accounts/");
    if account.and_then(|rest| rest.split('/').nth(1)).is_some_and(|page| OF_LIVE.contains(&page)) {
        return LIVE;
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
