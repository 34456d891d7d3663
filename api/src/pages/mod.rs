//! Server-rendered pages: templates, texts and the helpers templates use. Everything is compiled in.
//!
//! A template is `templates/<area>/<name>.hbs`; it wraps itself in a layout
//! (`{{#> layouts/console page_title=(t "…")}}`). Arguments of a layout or partial hide fields of the same
//! name inside it, so layouts take only `page_title`; in a loop of a partial write `{{lookup this "label"}}`.
//! Handlers call `page` of their gate (see [`respond`]).

pub mod catalogue;
pub mod device;
pub mod flash;
pub mod form_view;
pub mod frame;
mod helpers;
mod home_row;
pub mod lang;
pub mod menu;
pub mod respond;

use crate::config::Config;
use catalogue::Catalogue;
use handlebars::Handlebars;
use include_dir::{Dir, include_dir};
use lang::Lang;
use serde::Serialize;
use std::sync::{Arc, OnceLock};

pub use device::device_name;
pub use flash::Flash;
pub use form_view::FormView;

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Rendered pages and mails. One registry per language, so that helpers need not look for it.
pub struct Pages {
    zh: Handlebars<'static>,
    en: Handlebars<'static>,
    catalogue: Arc<Catalogue>,
}

impl Pages {
    /// Reads all templates and texts; the error names the file.
    pub fn load(config: &Config) -> Result<Self, String> {
        let Embedded { templates, catalogue } = embedded()?;
        let zone = jiff::tz::TimeZone::get(&config.app.time_zone).map_err(|error| error.to_string())?;
        let speaking = |lang| {
            let mut registry = templates.clone();
            helpers::register(&mut registry, lang, catalogue, &zone);
            registry
        };
        Ok(Self { zh: speaking(Lang::Zh), en: speaking(Lang::En), catalogue: catalogue.clone() })
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Renders a template in a language.
    pub fn render(&self, lang: Lang, template: &str, view: &impl Serialize) -> Result<String, String> {
        let registry = match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        };
        registry.render(template, view).map_err(|error| error.to_string())
    }
}

/// What is part of the program: a process reads it once, whatever servers it starts.
struct Embedded {
    templates: Handlebars<'static>,
    catalogue: Arc<Catalogue>,
}

fn embedded() -> Result<&'static Embedded, String> {
    static READ: OnceLock<Result<Embedded, String>> = OnceLock::new();
    let read = || Ok(Embedded { templates: templates()?, catalogue: Arc::new(Catalogue::load()?) });
    READ.get_or_init(read).as_ref().map_err(Clone::clone)
}

fn templates() -> Result<Handlebars<'static>, String> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // A partial that stands indented must not indent the text inside a text area: it would come back with the form.
    registry.set_prevent_indent(true);
    add_templates(&mut registry, &TEMPLATES)?;
    Ok(registry)
}

fn add_templates(registry: &mut Handlebars<'static>, dir: &Dir<'static>) -> Result<(), String> {
    for file in dir.files() {
        let path = file.path();
        let Some("hbs") = path.extension().and_then(|extension| extension.to_str()) else { continue };
        let name = path.with_extension("").to_string_lossy().replace('\\', "/");
        let text = file.contents_utf8().ok_or_else(|| format!("{name}: not UTF-8"))?;
        registry.register_template_string(&name, text).map_err(|error| format!("{name}: {error}"))?;
    }
    dir.dirs().try_for_each(|inner| add_templates(registry, inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_templates_are_readable() {
        Pages::load(&Config::from_parts(None, []).unwrap()).unwrap();
    }
}
