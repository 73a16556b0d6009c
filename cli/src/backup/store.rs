//! The place of a backup: a folder, or a bucket of S3-compatible storage.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::{Bytes, BytesMut};
use clap::Args;
use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, RetryConfig};
use tokio::runtime::Runtime;

/// The parts of an object that is sent in parts: all but the last have this length.
const PART: usize = 8 * 1024 * 1024;
/// How long one request is tried again.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a place may be reached.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct PlaceArgs {
    /// Allows an `AWS_ENDPOINT_URL` without TLS: words and keys are then readable on the way.
    #[arg(long)]
    allow_http: bool,
}

/// The objects of a backup.
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Runtime,
    shown: String,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Store {
    /// Opens a place to write to; a folder is made.
    pub(super) fn create(place: &str, args: PlaceArgs) -> anyhow::Result<Self> {
        if !place.contains("://") {
            std::fs::create_dir_all(place).with_context(|| format!("can't make {place}"))?;
        }
        Self::open(place, args)
    }

    /// Opens a place.
    pub(crate) fn open(place: &str, args: PlaceArgs) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (objects, prefix): (Arc<dyn ObjectStore>, Path) = match place.split_once("://") {
            None if !std::path::Path::new(place).is_dir() => {
                bail!("{place} is no folder that can be read");
            }
            None => {
                let folder = LocalFileSystem::new_with_prefix(place)
                    .with_context(|| format!("{place} is no folder that can be read"))?;
                (Arc::new(folder.with_fsync(true)), Path::default())
            }
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    bail!("{place} names no bucket: a place is s3://bucket/prefix");
                }
                let builder = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_allow_http(args.allow_http)
                    .with_retry(RetryConfig {
                        max_retries: 10,
                        retry_timeout: PATIENCE,
                        ..RetryConfig::default()
                    });
                let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
                if endpoint.is_some_and(|url| url.starts_with("http://")) && !args.allow_http {
                    bail!(
                        "AWS_ENDPOINT_URL has no TLS: name an address with https://, or allow it with \
                         --allow-http"
                    );
                }
                let bucket = builder.build().with_context(|| {
                    format!("{place} can't be used: see to AWS_REGION and AWS_ENDPOINT_URL")
                })?;
                (Arc::new(bucket), Path::parse(prefix.trim_end_matches('/'))?)
            }
            Some((scheme, _)) => bail!(
                "{place} is no place for a backup: `{scheme}://` is not known; name a folder, or \
                 s3://bucket/prefix"
            ),
        };
        Ok(Self {
            objects,
            prefix,
            runtime,
            shown: place.to_owned(),
        })
    }

    fn path(&self, name: &str) -> Path {
        let parts = self.prefix.parts();
        let names = name.split('/').map(object_store::path::PathPart::from);
        parts.chain(names).collect()
    }

    /// Says what could not be done; an error of the storage has its causes in its own text.
    fn failed(&self, what: &str, name: &str) -> impl FnOnce(object_store::Error) -> anyhow::Error {
        move |error| anyhow!("can't {what} {name} in {self}: {error}")
    }

    /// Reads a small object; `None` if it is not there.
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<Option<Bytes>> {
        let mut all = BytesMut::new();
        let found = self.read(name, &mut |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(found.then(|| all.freeze()))
    }

    /// Reads an object piece by piece; tells whether it is there.
    pub(crate) fn read(
        &self,
        name: &str,
        visit: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        self.runtime.block_on(async {
            let got = match self.objects.get(&self.path(name)).await {
                Ok(got) => got,
                Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(self.failed("read", name)(error)),
            };
            let mut pieces = got.into_stream();
            while let Some(piece) = pieces.try_next().await.map_err(self.failed("read", name))? {
                visit(&piece)?;
            }
            Ok(true)
        })
    }

    /// Writes a small object, at once and as a whole.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        let path = self.path(name);
        let put = self.objects.put(&path, bytes.into());
        let put = self.runtime.block_on(put);
        put.map(|_| ()).map_err(self.failed("write", name))
    }

    /// Begins to write an object that may be large.
    pub(super) fn send(&self, name: &str) -> Sending<'_> {
        Sending {
            store: self,
            name: name.to_owned(),
            buffer: BytesMut::new(),
            upload: None,
        }
    }

    /// Lists the objects under a name, with their lengths.
    pub(super) fn list(&self, under: &str) -> anyhow::Result<HashMap<String, u64>> {
        let path = self.path(under);
        let found = self.runtime.block_on(async {
            let objects = self.objects.list(Some(&path));
            objects.try_collect::<Vec<_>>().await
        });
        let found = found.map_err(self.failed("list", under))?;
        let named = |meta: object_store::ObjectMeta| {
            let file = meta.location.filename()?;
            Some((format!("{under}/{file}"), meta.size))
        };
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// Removes an object, if it is there.
    pub(super) fn remove(&self, name: &str) -> anyhow::Result<()> {
        match self.runtime.block_on(self.objects.delete(&self.path(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove", name)(error)),
        }
    }
}

/// An object that is being written: it is there once it was finished.
pub(super) struct Sending<'a> {
    store: &'a Store,
    name: String,
    buffer: BytesMut,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Sending<'_> {
    /// Writes what comes next.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= PART {
            let part = self.buffer.split_to(PART).freeze();
            self.part(part)?;
        }
        Ok(())
    }

    fn part(&mut self, part: Bytes) -> anyhow::Result<()> {
        let store = self.store;
        let sent = store.runtime.block_on(async {
            let upload = match &mut self.upload {
                Some(upload) => upload,
                none => {
                    let begun = store.objects.put_multipart(&store.path(&self.name)).await?;
                    none.insert(begun)
                }
            };
            upload.put_part(part.into()).await
        });
        sent.map_err(store.failed("write", &self.name))
    }

    /// Ends the object.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let rest = self.buffer.split().freeze();
        let store = self.store;
        if self.upload.is_none() {
            return store.put(&self.name, rest.to_vec());
        }
        if !rest.is_empty() {
            self.part(rest)?;
        }
        let Some(mut upload) = self.upload.take() else {
            return Ok(());
        };
        let ended = store.runtime.block_on(upload.complete());
        ended.map(|_| ()).map_err(store.failed("write", &self.name))
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            // Parts that stay behind cost room, and are no object; buckets have rules for them.
            self.store.runtime.block_on(upload.abort()).ok();
        }
    }
}
