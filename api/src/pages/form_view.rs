//! A form as a template sees it: what was typed and what is wrong with it. A view that shows a form has a
//! field `form: FormView`; the partials in `templates/partials` read it by field name.

use super::lang::Lang;
use crate::error::ApiError;
use crate::http::extract::Fields;
use qianpu_domain::error::FieldError;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Serialize)]
pub struct FormView {
    values: BTreeMap<String, String>,
    errors: BTreeMap<String, String>,
    /// Errors that belong to no single field; shown on top.
    summary: Vec<String>,
    /// The fields those were said of, for [`Self::with_own`].
    #[serde(skip)]
    paths: Vec<String>,
    /// Whether anything is wrong.
    refused: bool,
}

impl FormView {
    /// A form with what is stored.
    pub fn filled<K: Into<String>>(values: impl IntoIterator<Item = (K, String)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { values, ..Self::default() }
    }

    /// The form as it was sent, with its errors.
    pub fn refused(fields: &Fields, errors: &[FieldError], lang: Lang) -> Self {
        let mut view = Self::filled(fields.0.iter().cloned());
        view.refused = true;
        for error in errors {
            let text = lang.pick(&error.message_zh, &error.message_en).to_owned();
            if view.values.contains_key(&error.path) {
                view.errors.entry(error.path.clone()).or_insert(text);
            } else {
                view.paths.push(error.path.clone());
                view.summary.push(if error.path.is_empty() {
                    text
                } else {
                    format!("{}: {text}", error.path)
                });
            }
        }
        view
    }

    /// Fields of the form that browsers leave out when they are empty, as boxes and files: what is wrong
    /// with them stands there and not on top.
    pub fn with_own<S: AsRef<str>>(mut self, names: &[S]) -> Self {
        for name in names.iter().map(AsRef::as_ref) {
            while let Some(at) = self.paths.iter().position(|path| path == name) {
                self.paths.remove(at);
                let text = self.summary.remove(at);
                let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text).to_owned();
                self.errors.entry(name.to_owned()).or_insert(text);
            }
        }
        self
    }

    /// What is said on top instead of the title of the refusal's code.
    pub fn saying(mut self, text: String) -> Self {
        self.paths = vec![String::new()];
        self.summary = vec![text];
        self
    }

    /// Whether anything is wrong with it.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// The form as it was sent, refused by a use case.
    pub fn refused_by(fields: &Fields, error: &ApiError, lang: Lang) -> Self {
        let mut view = Self::refused(fields, error.errors(), lang);
        if error.errors().is_empty() {
            let code = error.code();
            view.paths.push(String::new());
            view.summary.push(lang.pick(code.title_zh(), code.title_en()).to_owned());
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_box_stands_at_the_box() {
        let fields = Fields(vec![("name".to_owned(), "x".to_owned())]);
        let wrong = |path: &str| FieldError::new(path, "wrong", format!("of {path}"), "不对");
        let errors = [wrong("name"), wrong("box"), wrong("elsewhere"), wrong("files")];
        let view = FormView::refused(&fields, &errors, Lang::En);
        assert_eq!(view.summary, ["box: of box", "elsewhere: of elsewhere", "files: of files"]);
        let view = view.with_own(&["box", "files", "absent"]);
        assert_eq!(view.summary, ["elsewhere: of elsewhere"]);
        assert_eq!(view.errors["box"], "of box");
        assert_eq!(view.errors["files"], "of files");
        assert_eq!(view.errors.len(), 3);
    }
}
