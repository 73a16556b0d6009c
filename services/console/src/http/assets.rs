//! Style sheets and scripts. Their addresses have a hash of what is in them, so that a browser may keep them for ever;
//! they are compressed once, when the console starts. Pages are not: what others wrote stands in them beside secrets.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::page::Fault;
use crate::accounts::Digest;

/// A file that pages name.
struct Asset {
    path: String,
    kind: &'static str,
    content: &'static str,
    compressed: Bytes,
}

/// A file, before it has an address.
struct File {
    name: &'static str,
    content: &'static str,
}

macro_rules! file {
    ($path:literal) => {
        File {
            name: $path,
            content: include_str!(concat!("../../assets/", $path)),
        }
    };
}

/// All files.
const FILES: &[File] = &[
    file!("console.css"),
    file!("console.js"),
    file!("live.js"),
    file!("next.js"),
    file!("charts.js"),
    file!("editor.js"),
    file!("uplot/uPlot.min.css"),
    file!("uplot/uPlot.iife.min.js"),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(Asset::new).collect());

impl Asset {
    fn new(file: &File) -> Self {
        let name = file.name.rsplit('/').next().unwrap_or(file.name);
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let digest: String = Digest::of(file.content)
            .to_string()
            .chars()
            .take(16)
            .collect();
        Self {
            path: format!("/assets/{stem}-{digest}.{ending}"),
            kind: match ending {
                "css" => "text/css; charset=utf-8",
                _ => "text/javascript; charset=utf-8",
            },
            content: file.content,
            compressed: gzip(file.content),
        }
    }
}

fn gzip(content: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content.as_bytes());
    // Writing to memory does not fail.
    written
        .and_then(|()| encoder.finish())
        .map(Bytes::from)
        .unwrap_or_default()
}

/// The address of a file, by its path in the folder `assets`.
pub(super) fn path(name: &str) -> &'static str {
    let place = FILES.iter().position(|file| file.name == name);
    let asset = place.and_then(|place| ASSETS.get(place));
    asset.map_or("", |asset| asset.path.as_str())
}

/// The address of the style sheet.
pub(super) fn style() -> &'static str {
    path("console.css")
}

/// The address of the script.
pub(super) fn script() -> &'static str {
    path("console.js")
}

/// `GET /assets/{name}`
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let path = format!("/assets/{name}");
    let asset = ASSETS.iter().find(|asset| asset.path == path);
    let asset = asset.ok_or(Fault::NotFound)?;
    let common = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    Ok(if takes_gzip(&headers) {
        let encoded = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        (common, encoded, asset.compressed.clone()).into_response()
    } else {
        (common, asset.content).into_response()
    })
}

/// Tells whether a browser reads gzip: it is named, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut named = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    named.any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
        coding.trim().eq_ignore_ascii_case("gzip") && weight.unwrap_or(1.0) > 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_names_it() {
        for (value, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes_gzip(&headers), expected, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn all_files_together_are_light() {
        let compressed: usize = ASSETS.iter().map(|asset| asset.compressed.len()).sum();
        assert!(compressed < 100 * 1024, "{compressed} bytes");
        assert!(ASSETS.iter().all(|asset| !asset.compressed.is_empty()));
    }
}
