//! The provider's sender of text messages: set it, try it, see what became of messages; and how long erasure waits.

use crate::app::buyers::sender::{self, SetSender};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields};
use crate::http::route::PageRoutes;
use crate::http::wire::page_request;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::sms_message::SmsMessage;
use serde::Serialize;

const HOME: &str = "/console/provider/text_messages";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, text_messages_page);
    pages.post(&format!("{HOME}/sender"), sender_form);
    pages.post(&format!("{HOME}/test"), test_form);
    pages.post(&format!("{HOME}/settings"), settings_form);
}

type Manages<T = ()> = Authed<perm::BuyerSettingsManage, T>;

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: String,
}

#[derive(Serialize)]
struct MessageLine {
    phone: String,
    test: bool,
    state: String,
    error: Option<String>,
    remote_id: Option<String>,
    created_at: i64,
}

#[derive(Serialize)]
struct MessagesView {
    /// The sender's form.
    form: FormView,
    test: FormView,
    settings: FormView,
    home: &'static str,
    kinds: Vec<Choice>,
    has_sender: bool,
    active: bool,
    demo: bool,
    has_secret: bool,
    linked: u64,
    messages: Vec<MessageLine>,
}

fn message_line(message: SmsMessage) -> MessageLine {
    let words = [message.error_code, message.error_text].into_iter().flatten();
    let error: Vec<String> = words.filter(|words| !words.is_empty()).collect();
    MessageLine {
        phone: message.phone_masked,
        test: message.kind == "test",
        state: message.state,
        error: (!error.is_empty()).then(|| error.join(": ")),
        remote_id: message.remote_id,
        created_at: message.created_at.micros(),
    }
}

async fn view<T>(auth: &Manages<T>) -> Answer<MessagesView> {
    let stored = sender::get(&auth.state, &auth.grant).await?;
    let settings = sender::settings(&auth.state, &auth.grant).await?;
    let messages = sender::messages(&auth.state, &auth.grant, page_request(Some(30), None)?).await?;
    let links = if settings.person_links { "1" } else { "" };
    let settings = [("erasure_days", settings.erasure_days.to_string()), ("person_links", links.to_owned())];
    let mut values: Vec<(String, String)> = Vec::new();
    if let Some(stored) = &stored {
        values.push(("kind".to_owned(), stored.kind.clone()));
        values.push(("active".to_owned(), if stored.active { "1" } else { "" }.to_owned()));
        for name in ["url", "access_key_id", "sign_name", "template_code"] {
            let value = stored.settings[name].as_str().unwrap_or_default();
            values.push((name.to_owned(), value.to_owned()));
        }
    }
    let say = |key: &str| auth.state.pages.catalogue().say(auth.info.lang, key, []);
    Ok(MessagesView {
        form: FormView::filled(values),
        test: FormView::default(),
        settings: FormView::filled(settings),
        home: HOME,
        kinds: vec![
            Choice { value: "aliyun", label: say("text_messages.kind_aliyun") },
            Choice { value: "gateway", label: say("text_messages.kind_gateway") },
        ],
        has_sender: stored.is_some(),
        active: stored.as_ref().is_some_and(|stored| stored.active),
        demo: auth.state.config.is_development(),
        has_secret: stored.is_some(),
        linked: sender::linked(&auth.state, &auth.grant).await?,
        messages: messages.items.into_iter().map(message_line).collect(),
    })
}

async fn text_messages_page(auth: Manages) -> PageAnswer {
    let view = view(&auth).await?;
    auth.page("text_messages/page", view)
}

/// The page again, with what one of its forms was refused for.
async fn refused(
    auth: &Manages<Fields>,
    error: ApiError,
    which: fn(&mut MessagesView) -> &mut FormView,
) -> PageAnswer {
    if !matches!(
        error.code(),
        ErrorCode::InvalidField
            | ErrorCode::VersionConflict
            | ErrorCode::RateLimited
            | ErrorCode::SmsNotConfigured
    ) {
        return Err(error);
    }
    let mut view = view(auth).await?;
    // A secret is never shown again.
    let shown = |(name, value): &(String, String)| {
        (name.clone(), if name == "secret" { String::new() } else { value.clone() })
    };
    let typed = Fields(auth.input.0.iter().map(shown).collect());
    *which(&mut view) = FormView::refused_by(&typed, &error, auth.info.lang);
    auth.refused_page("text_messages/page", view)
}

async fn sender_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let text = |name: &str| fields.text(name).to_owned();
    let command = SetSender {
        kind: text("kind"),
        active: fields.ticked("active"),
        url: text("url"),
        access_key_id: text("access_key_id"),
        sign_name: text("sign_name"),
        template_code: text("template_code"),
        secret: text("secret"),
        version: None,
    };
    match sender::set(&auth.state, &auth.grant, &command).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("text_messages.saved"), HOME)),
        Err(error) => refused(&auth, error, |view| &mut view.form).await,
    }
}

async fn test_form(auth: Manages<Fields>) -> PageAnswer {
    match sender::test(&auth.state, &auth.grant, auth.input.text("phone"), auth.info.lang).await {
        Ok(message) if message.state == "sent" => {
            Ok(auth.redirect_with(&Flash::success("text_messages.test_sent"), HOME))
        }
        Ok(message) => {
            let words = message.error_text.unwrap_or_default();
            let flash = Flash::failure("text_messages.test_failed").with("words", words);
            Ok(auth.redirect_with(&flash, HOME))
        }
        Err(error) => refused(&auth, error, |view| &mut view.test).await,
    }
}

async fn settings_form(auth: Manages<Fields>) -> PageAnswer {
    let days = auth.input.text("erasure_days").parse().unwrap_or(-1);
    let links = auth.input.ticked("person_links");
    match sender::set_settings(&auth.state, &auth.grant, days, Some(links)).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("text_messages.settings_saved"), HOME)),
        Err(error) => refused(&auth, error, |view| &mut view.settings).await,
    }
}
