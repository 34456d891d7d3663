//! Every building block of the pages on one page, to copy from and to look at. Development only.

use crate::error::ApiError;
use crate::http::extract::{Fields, Open};
use crate::http::route::PageRoutes;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::FieldError;
use serde_json::json;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/demo/design", design_page);
}

async fn design_page(open: Open) -> PageAnswer {
    if !open.state.config.is_development() {
        return Err(ApiError::not_found());
    }
    let now = open.state.clock().now().micros();
    let typed = Fields(vec![
        ("title".to_owned(), "手工竹编篮".to_owned()),
        ("price".to_owned(), "12.345".to_owned()),
        ("kind".to_owned(), "b".to_owned()),
    ]);
    let mut errors = vec![FieldError::required("stock")];
    typed.yuan("price", &mut errors);
    let view = json!({
        "form": FormView::refused(&typed, &errors, open.info.lang),
        "at": now,
        "options": [{"value": "a", "label": "First"}, {"value": "b", "label": "Second"}],
        "steps": [
            {"label": "Subject", "state": "done"},
            {"label": "Documents", "state": "current"},
            {"label": "Shop", "state": "todo"},
            {"label": "Agreement", "state": "todo"},
        ],
        "events": [
            {"at": now, "text": "Returned with two reasons", "who": "林青", "tone": "warning"},
            {"at": now, "text": "Handed in", "who": "陈小满", "tone": "success"},
        ],
        "rows": [
            {"name": "手工竹编篮 三件套", "note": "Paid by WeChat", "state": "active", "amount": 12800, "at": now},
            {"name": "Order with a rather long name that has to wrap somewhere 🎁", "note": "", "state": "suspended",
             "amount": 100_000_000_000_i64, "at": now},
        ],
    });
    open.page("demo/design", view)
}
