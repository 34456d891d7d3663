//! Operations about what an account says and shows: messages, menus, codes, articles, the window, live rooms, leads.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    AccountMenu, Answer, ArticleDraft, ArticleRefs, Content, Context, Lead, LeadForm, Leads, Live, LiveDay,
    LiveNow, LiveSessions, Menu, Messaging, OutgoingMessage, Page, Publishing, SceneCode, SceneCodes,
    SendOutcome, Showcase, ShowcaseItem, ShowcaseRef, TimeWindow, Turn, WantedCode,
};
use serde_json::json;

impl Messaging for WasmChannel {
    operations! {
        send, resume_send(to: &str, message: &OutgoingMessage) -> SendOutcome =
            op::MESSAGE_SEND, json!({ "to": to, "message": message }), plain;
    }
}

impl AccountMenu for WasmChannel {
    operations! {
        fetch, resume_fetch() -> Option<Menu> = op::MENU_FETCH, json!({}), plain;
        publish, resume_publish(menu: &Menu) -> () = op::MENU_PUBLISH, json!(menu), plain;
    }
}

impl SceneCodes for WasmChannel {
    operations! { make, resume_make(wanted: &WantedCode) -> SceneCode = op::CODE_MAKE, json!(wanted), plain; }
}

impl Content for WasmChannel {
    operations! {
        save_draft, resume_save_draft(draft: &ArticleDraft, refs: &ArticleRefs) -> ArticleRefs =
            op::ARTICLE_SAVE, json!({ "draft": draft, "refs": refs }), plain;
        submit, resume_submit(draft_id: &str) -> String =
            op::ARTICLE_SUBMIT, json!({ "draft_id": draft_id }), plain;
        publishing, resume_publishing(publish_id: &str) -> Publishing =
            op::ARTICLE_PUBLISHING, json!({ "publish_id": publish_id }), plain;
    }
}

impl Showcase for WasmChannel {
    operations! {
        list, resume_list(cursor: Option<&str>) -> Page<ShowcaseItem> =
            op::SHOWCASE_LIST, json!({ "cursor": cursor }), plain;
        add, resume_add(item: &ShowcaseRef) -> ShowcaseItem = op::SHOWCASE_ADD, json!(item), plain;
        remove, resume_remove(item: &ShowcaseRef) -> ShowcaseItem = op::SHOWCASE_REMOVE, json!(item), plain;
    }
}

impl Live for WasmChannel {
    operations! {
        now, resume_now() -> LiveNow = op::LIVE_NOW, json!({}), plain;
        day, resume_day(day: &LiveDay) -> LiveSessions = op::LIVE_DAY, json!(day), plain;
    }
}

impl Leads for WasmChannel {
    operations! {
        forms, resume_forms(cursor: Option<&str>) -> Page<LeadForm> =
            op::LEAD_FORMS, json!({ "cursor": cursor }), plain;
        leads, resume_leads(form_id: &str, window: TimeWindow, cursor: Option<&str>) -> Page<Lead> =
            op::LEAD_LIST, json!({ "form_id": form_id, "window": window, "cursor": cursor }), plain;
    }
}
