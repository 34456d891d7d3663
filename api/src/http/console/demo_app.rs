//! Where the demo's third-party app has its browsers sent back to: what came, and how the app goes on from there. There
//! is no such page outside development.

use crate::error::ApiError;
use crate::http::extract::Open;
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/demo/app", demo_app);
}

#[derive(Serialize)]
struct AppView {
    code: String,
    error: String,
    /// The token request, to copy.
    command: String,
}

async fn demo_app(open: Open) -> PageAnswer {
    if !open.state.config.is_development() {
        return Err(ApiError::not_found());
    }
    let given = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(open.request.query_string().as_bytes());
        pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let base = open.state.config.app.public_url.trim_end_matches('/');
    let code = given("code");
    let command = format!(
        "curl -u CLIENT_ID:CLIENT_SECRET {base}/oauth/token \\\n  -d grant_type=authorization_code -d code={code} \\\n  \
         -d redirect_uri={base}/demo/app -d code_verifier=CODE_VERIFIER"
    );
    open.page("demo/app", AppView { code, error: given("error"), command })
}
