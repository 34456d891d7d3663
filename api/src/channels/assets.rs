//! Pictures of a merchant, read from the file store while they are sent to a platform.

use async_trait::async_trait;
use qianpu_domain::ids::MediaId;
use qianpu_host::{AccountRef, AssetError, AssetSource};
use std::path::PathBuf;

pub(super) struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

#[async_trait]
impl AssetSource for Pictures {
    /// The name is the public id of a file. It is looked for in the folder of the account's own merchant only.
    async fn load(&self, account: &AccountRef, asset: &str) -> Result<Vec<u8>, AssetError> {
        let failed = |reason: String| AssetError { asset: asset.to_owned(), reason };
        let id: MediaId = asset.parse().map_err(|_| failed("not the id of a file".to_owned()))?;
        let path = crate::app::media::place_in(&self.folder, account.tenant, id);
        tokio::fs::read(path).await.map_err(|error| failed(error.to_string()))
    }
}
