//! Templates, texts and assets are compiled in; a new file among them must rebuild the crate.
fn main() {
    for folder in ["templates", "locales", "assets"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
