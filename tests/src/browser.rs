//! A person with a browser, as far as the server can tell: cookies, pages, forms with their form token, redirects followed.
//!
//! Pages and paths are shown without the seat of the console they are of, so that tests name plain addresses; `shown` has
//! the page as it came.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::multipart::{Form, Part};

use crate::http::http_client;

/// One browser. It keeps cookies and the page it stands on.
pub struct Browser {
    base_url: String,
    http: reqwest::Client,
    /// The jar.
    pub cookies: BTreeMap<String, String>,
    /// Path of the page it stands on.
    pub path: String,
    /// The path with its seat.
    pub address: String,
    /// The page.
    pub html: String,
    /// The page with its seat.
    pub shown: String,
}

impl Browser {
    pub fn new(base_url: &str) -> Browser {
        Browser {
            base_url: base_url.to_owned(),
            http: http_client(),
            cookies: BTreeMap::new(),
            path: String::new(),
            address: String::new(),
            html: String::new(),
            shown: String::new(),
        }
    }

    /// Opens a page, following redirects.
    pub async fn open(&mut self, path: &str, expected: u16) -> &str {
        let request = self.request(Method::GET, path);
        self.follow(request, path, expected).await
    }

    /// Sends a form of the page it stands on.
    pub async fn submit(&mut self, action: &str, fields: &[(&str, &str)], expected: u16) -> &str {
        let mut all = vec![("_csrf".to_owned(), self.form_token())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = self.request(Method::POST, action).form(&all);
        self.follow(request, action, expected).await
    }

    /// Sends a form that leads to another site; where to. The browser stays where it is.
    pub async fn leave(&mut self, action: &str, fields: &[(&str, &str)]) -> String {
        let mut all = vec![("_csrf".to_owned(), self.form_token())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let sent = self.request(Method::POST, action).form(&all).send().await;
        let response = sent.unwrap_or_else(|error| panic!("{action}: {error}"));
        self.keep_cookies(&response);
        let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        to.unwrap_or_else(|| panic!("{action} leads nowhere: {}", response.status())).to_owned()
    }

    /// Sends a form with one file, in its field `file`.
    pub async fn upload(
        &mut self,
        action: &str,
        fields: &[(&str, &str)],
        bytes: &[u8],
        expected: u16,
    ) -> &str {
        let mut form = Form::new().text("_csrf", self.form_token());
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        let form = form.part("file", Part::bytes(bytes.to_vec()).file_name("文件"));
        let request = self.request(Method::POST, action).multipart(form);
        self.follow(request, action, expected).await
    }

    /// The token that forms of this page carry.
    fn form_token(&self) -> String {
        let after = self.html.split("name=\"_csrf\" value=\"").nth(1);
        after.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.http.request(method, format!("{}{path}", self.base_url)).header(COOKIE, cookies.join("; "))
    }

    async fn follow(&mut self, request: reqwest::RequestBuilder, path: &str, expected: u16) -> &str {
        let mut path = path.to_owned();
        let mut response = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        for _ in 0..5 {
            self.keep_cookies(&response);
            let to =
                response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let Some(to) = to.filter(|_| response.status().is_redirection()) else { break };
            path = to.split('#').next().unwrap_or_default().to_owned();
            let next = self.request(Method::GET, &path).send().await;
            response = next.unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        let status = response.status().as_u16();
        self.shown = response.text().await.expect("the page arrives");
        self.html = without_seat(&self.shown);
        assert_eq!(status, expected, "{path}: {}", self.html);
        self.path = without_seat(&path);
        self.address = path;
        &self.html
    }

    fn keep_cookies(&mut self, response: &reqwest::Response) {
        for value in response.headers().get_all(SET_COOKIE) {
            let pair = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            let Some((name, content)) = pair.split_once('=') else { continue };
            if content.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), content.to_owned());
            }
        }
    }
}

/// A text whose addresses are plain: `~` and the eight letters of a seat taken out.
pub fn without_seat(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/console/") {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        let surface = after.find('~').filter(|end| *end < 20);
        match surface.and_then(|end| Some((after.get(..end)?, after.get(end + 9..)?))) {
            Some((name, tail)) if name.bytes().all(|c| c.is_ascii_lowercase() || c == b'/') => {
                plain.push_str(name);
                rest = tail;
            }
            _ => {
                plain.push_str("/console/");
                rest = after.get(9..).unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    plain.replace("/console/merchant/api/v1/", "/api/v1/").replace("/console/provider/api/v1/", "/api/v1/")
}
