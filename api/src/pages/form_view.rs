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
                view.summary.push(if error.path.is_empty() {
                    text
                } else {
                    format!("{}: {text}", error.path)
                });
            }
        }
        view
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
            view.summary.push(lang.pick(code.title_zh(), code.title_en()).to_owned());
        }
        view
    }
}
