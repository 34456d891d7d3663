//! The text messages of the demo, as phones would get them. There is no such page in production.

use crate::error::ApiError;
use crate::http::extract::Open;
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::sms::{StoredSms, stored_messages};
use actix_web::web;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/demo/sms", sms_list);
}

#[derive(Serialize)]
struct ListView {
    messages: Vec<StoredSms>,
}

async fn sms_list(open: Open) -> PageAnswer {
    if !open.state.config.is_development() {
        return Err(ApiError::not_found());
    }
    let folder = open.state.config.sms_dir();
    let messages = web::block(move || stored_messages(&folder)).await.map_err(ApiError::internal)?;
    open.page("demo/sms", ListView { messages: messages.map_err(ApiError::internal)? })
}
