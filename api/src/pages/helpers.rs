//! Helpers of templates: `t`, `audit`, `kept`, `money`, `time`, `date`, `badge`, `asset`, `icon`, `csrf`,
//! `field_value`, `field_error`, `concat`, `compact`. `eq`, `ne`, `and`, `or`, `not`, `gt`, `len` come with the engine.
//!
//! Helpers that write HTML escape what they put into it.

use super::catalogue::Catalogue;
use super::lang::Lang;
use crate::http::assets;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, PathAndJson, RenderContext, RenderError,
    RenderErrorReason, ScopedJson, html_escape,
};
use jiff::tz::TimeZone;
use qianpu_domain::channel::AccountState;
use qianpu_domain::money::Fen;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn register(
    registry: &mut Handlebars<'static>,
    lang: Lang,
    catalogue: &Arc<Catalogue>,
    zone: &TimeZone,
) {
    registry.register_helper("t", Box::new(Translate { lang, catalogue: catalogue.clone() }));
    registry.register_helper("audit", Box::new(AuditText { lang, catalogue: catalogue.clone() }));
    registry.register_helper("badge", Box::new(BadgeHelper { lang, catalogue: catalogue.clone() }));
    registry.register_helper("kept", Box::new(Kept { lang, catalogue: catalogue.clone() }));
    registry.register_helper("time", Box::new(TimeHelper { zone: zone.clone(), with_clock: true }));
    registry.register_helper("date", Box::new(TimeHelper { zone: zone.clone(), with_clock: false }));
    registry.register_helper("money", Box::new(money));
    registry.register_helper("compact", Box::new(Compact { lang }));
    registry.register_helper("asset", Box::new(asset));
    registry.register_helper("icon", Box::new(icon));
    registry.register_helper("csrf", Box::new(csrf));
    registry.register_helper("concat", Box::new(Concat));
    registry.register_helper("field_value", Box::new(FormField { table: "values" }));
    registry.register_helper("field_error", Box::new(FormField { table: "errors" }));
}

type Call<'rc> = Helper<'rc>;

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn argument(helper: &Call<'_>, index: usize) -> Result<String, RenderError> {
    let missing = || RenderErrorReason::ParamNotFoundForIndex("helper", index);
    let parameter = helper.param(index).filter(|parameter| !parameter.is_value_missing());
    Ok(parameter.map(|parameter| text(parameter.value())).ok_or_else(missing)?)
}

fn number(helper: &Call<'_>, index: usize) -> Result<Option<i64>, RenderError> {
    let text = argument(helper, index)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || RenderErrorReason::Other(format!("expected a whole number, got {text}"));
    Ok(Some(text.parse().map_err(|_| wrong())?))
}

/// `{{t "area.key" name=value}}`. A key that is missing fails the page; a test finds it before.
struct Translate {
    lang: Lang,
    catalogue: Arc<Catalogue>,
}
impl HelperDef for Translate {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let key = argument(helper, 0)?;
        if self.catalogue.find(self.lang, &key).is_none() {
            return Err(RenderErrorReason::Other(format!("no text {key}")).into());
        }
        let arguments: Vec<(&str, String)> =
            helper.hash().iter().map(|(name, value)| (*name, text(value.value()))).collect();
        let said = self.catalogue.say(
            self.lang,
            &key,
            arguments.iter().map(|(name, value)| (*name, value.as_str())),
        );
        Ok(ScopedJson::Derived(Value::String(said)))
    }
}

/// `{{audit action}}`: an action of the audit log in words (`audit.<action>`), or as it is.
struct AuditText {
    lang: Lang,
    catalogue: Arc<Catalogue>,
}
impl HelperDef for AuditText {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let action = argument(helper, 0)?;
        let key = ["audit.", &action].concat();
        let said = self.catalogue.find(self.lang, &key).map_or(action, str::to_owned);
        Ok(ScopedJson::Derived(Value::String(said)))
    }
}

/// `{{badge "order" state}}`.
struct BadgeHelper {
    lang: Lang,
    catalogue: Arc<Catalogue>,
}
impl HelperDef for BadgeHelper {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let badge = self.catalogue.badge(self.lang, &argument(helper, 0)?, &argument(helper, 1)?);
        let shown = html_escape(&badge.text);
        out.write(&format!("<span class=\"badge badge-{}\">{shown}</span>", badge.tone))?;
        Ok(())
    }
}

/// `{{kept text}}`: why something could not be brought to a platform. Its words as they are, ours in the reader's language.
struct Kept {
    lang: Lang,
    catalogue: Arc<Catalogue>,
}
impl HelperDef for Kept {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let text = argument(helper, 0)?;
        let shown = match AccountState::of_unusable(&text) {
            None => text,
            Some(state) => {
                let state = self.catalogue.badge(self.lang, "account", state.as_str()).text;
                self.catalogue.say(self.lang, "channels.account_unusable", [("state", state.as_str())])
            }
        };
        out.write(&html_escape(&shown))?;
        Ok(())
    }
}

/// `{{time micros}}` and `{{date micros}}`: short in the zone of the installation, whole on hover.
struct TimeHelper {
    zone: TimeZone,
    with_clock: bool,
}
impl HelperDef for TimeHelper {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some(micros) = number(helper, 0)? else {
            out.write("—")?;
            return Ok(());
        };
        let moment = jiff::Timestamp::from_microsecond(micros)
            .map_err(|error| RenderErrorReason::Other(error.to_string()))?;
        let local = moment.to_zoned(self.zone.clone());
        let short = local.strftime(if self.with_clock { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" });
        let whole = local.strftime("%Y-%m-%d %H:%M:%S %:z");
        out.write(&format!("<time datetime=\"{moment}\" title=\"{whole}\">{short}</time>"))?;
        Ok(())
    }
}

/// `{{money fen}}`: ¥1,234.56 with small fen.
fn money(
    helper: &Call<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let Some(fen) = number(helper, 0)? else {
        out.write("—")?;
        return Ok(());
    };
    let shown = Fen::new(fen).to_string();
    let (sign, shown) = shown.strip_prefix('-').map_or(("", shown.as_str()), |rest| ("−", rest));
    let (yuan, cents) = shown.split_once('.').unwrap_or((shown, "00"));
    out.write(&format!("<span class=\"money\">{sign}¥{yuan}<small>.{cents}</small></span>"))?;
    Ok(())
}

/// `{{compact number}}`: 1.2万 in Chinese, 12.3k in English, exact on hover.
struct Compact {
    lang: Lang,
}
impl HelperDef for Compact {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let exact = number(helper, 0)?.unwrap_or(0);
        let units: &[(i64, &str)] = match self.lang {
            Lang::Zh => &[(100_000_000, "亿"), (10_000, "万")],
            Lang::En => &[(1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k")],
        };
        match units.iter().find(|(size, _)| exact.abs() >= *size) {
            None => out.write(&exact.to_string())?,
            Some((size, unit)) => {
                let tenths = exact / (size / 10);
                out.write(&format!(
                    "<span title=\"{exact}\">{}.{}{unit}</span>",
                    tenths / 10,
                    tenths.abs() % 10
                ))?;
            }
        }
        Ok(())
    }
}

/// `{{asset "console.css"}}`: its address with the hash of its content.
fn asset(
    helper: &Call<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = argument(helper, 0)?;
    let missing = || RenderErrorReason::Other(format!("no asset {name}"));
    out.write(&assets::address(&name).ok_or_else(missing)?)?;
    Ok(())
}

/// `{{icon "orders"}}`: a symbol of `icons.svg`, decorative.
fn icon(
    helper: &Call<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = argument(helper, 0)?;
    let file = assets::address("icons.svg").unwrap_or_default();
    let name = html_escape(&name);
    out.write(&format!("<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{file}#{name}\"/></svg>"))?;
    Ok(())
}

/// `{{csrf}}`: the hidden field every form that posts must have.
fn csrf(
    _: &Call<'_>,
    _: &Handlebars<'_>,
    context: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let token = context.data().pointer("/frame/csrf").map(text).unwrap_or_default();
    let token = html_escape(&token);
    out.write(&format!("<input type=\"hidden\" name=\"_csrf\" value=\"{token}\">"))?;
    Ok(())
}

/// `(concat "area.badge." state)`.
struct Concat;
impl HelperDef for Concat {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let joined: String = helper.params().iter().map(|parameter| text(parameter.value())).collect();
        Ok(ScopedJson::Derived(Value::String(joined)))
    }
}

/// `(field_value "title")` and `(field_error "title")`: of the page's form, empty when there is none.
struct FormField {
    table: &'static str,
}
impl HelperDef for FormField {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Call<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let name = argument(helper, 0)?;
        // A partial that is given no form, inside a loop, has the form of the view.
        let given = helper.hash_get("form").map(PathAndJson::value).filter(|form| form.is_object());
        let found = given
            .or_else(|| context.data().get("form"))
            .and_then(|form| form.get(self.table))
            .and_then(|table| table.get(&name))
            .map(text);
        Ok(ScopedJson::Derived(Value::String(found.unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(lang: Lang, template: &str, view: Value) -> String {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        register(&mut registry, lang, &Arc::new(Catalogue::load().unwrap()), &zone);
        registry.render_template(template, &view).unwrap()
    }

    #[test]
    fn values_are_shown_as_people_read_them() {
        for (template, view, expected) in [
            ("{{money a}}", json!({"a": 123_456}), "<span class=\"money\">¥1,234<small>.56</small></span>"),
            ("{{money a}}", json!({"a": -5}), "<span class=\"money\">−¥0<small>.05</small></span>"),
            ("{{money a}}", json!({"a": null}), "—"),
            ("{{compact a}}", json!({"a": 9_999}), "9999"),
            ("{{compact a}}", json!({"a": 12_345}), "<span title=\"12345\">1.2万</span>"),
            ("{{field_value \"x\"}}|{{field_error \"x\"}}", json!({"form": {"values": {"x": "<"}}}), "&lt;|"),
            (
                "{{csrf}}",
                json!({"frame": {"csrf": "\">"}}),
                "<input type=\"hidden\" name=\"_csrf\" value=\"&quot;&gt;\">",
            ),
        ] {
            assert_eq!(shown(Lang::Zh, template, view), expected, "{template}");
        }
        let time = shown(Lang::Zh, "{{time a}}", json!({"a": 1_714_036_504_000_000_i64}));
        assert!(time.contains(">2024-04-25 17:15<") && time.contains("17:15:04 +08:00"), "{time}");
    }
}
