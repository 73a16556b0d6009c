//! A file as UTF-8 text: unpacked, decoded, and with a bound on what is taken of it at a time.
//!
//! A file says its encoding with a byte order mark or in its first line; else it is UTF-8.
//! What is not in the encoding ends the reading with its place: letters are never guessed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use indicatif::ProgressBar;

use super::Format;
use super::item::Broken;

/// Bytes of one text, tag or line: far more than the longest article has. Tests get there sooner.
pub(super) const TEXT_BYTES: usize = if cfg!(test) { 256 } else { 16 * 1024 } * 1024;
/// Bytes in which a file says what it is.
const HEAD: usize = 1_024;
const BUFFER: usize = 64 * 1024;

/// Files that are often given by mistake, by their first bytes.
const OTHERS: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a ZIP file; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it first"),
    (b"BZh", "packed with bzip2; unpack it first"),
    (b"\xfd7zXZ\0", "packed with xz; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip file; unpack it first"),
    (b"\x89PNG", "a PNG picture, not an export"),
    (b"\xff\xd8\xff", "a JPEG picture, not an export"),
    (b"%PDF", "a PDF document, not an export"),
];

/// A file that was opened.
pub(super) enum Opened {
    /// Text.
    Text(Input),
    /// An SQLite database.
    Database(PathBuf),
}

/// Finds an encoding by its name.
pub(super) fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes())
        .ok_or_else(|| format!("no encoding is called `{name}`: try latin1 or utf-8"))
}

/// The text of a file, with its lines counted.
pub(super) struct Input {
    inner: BufReader<Box<dyn Read + Send>>,
    line: u64,
    /// Bytes since [`Input::renew`].
    taken: usize,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(
        path: &Path,
        encoding: Option<&'static Encoding>,
        format: Format,
        bar: &ProgressBar,
    ) -> Result<Opened, Broken> {
        let raw: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(path)
                .map_err(|error| Broken::whole(format!("it can't be read: {error}")))?;
            Box::new(file)
        };
        let mut raw = BufReader::with_capacity(BUFFER, bar.wrap_read(raw));
        if peek(&mut raw)?.starts_with(b"SQLite format 3\0") {
            return Ok(Opened::Database(path.to_owned()));
        }
        let unpacked: Box<dyn Read + Send> = if peek(&mut raw)?.starts_with(&[0x1f, 0x8b]) {
            Box::new(MultiGzDecoder::new(raw))
        } else {
            Box::new(raw)
        };
        Self::decode(unpacked, encoding, format).map(Opened::Text)
    }

    /// Takes bytes that are unpacked.
    pub(super) fn decode(
        mut bytes: Box<dyn Read + Send>,
        encoding: Option<&'static Encoding>,
        format: Format,
    ) -> Result<Self, Broken> {
        let mut head = Vec::with_capacity(HEAD);
        (&mut bytes)
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(|error| Broken::whole(error.to_string()))?;
        if head.is_empty() {
            return Err(Broken::whole("the file is empty"));
        }
        if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(Broken::whole(format!("this is {what}")));
        }
        let encoding = match encoding {
            Some(encoding) => encoding,
            None => declared(&head, format)?,
        };
        let decoded = Decoded {
            bytes: BufReader::with_capacity(BUFFER, Box::new(Cursor::new(head).chain(bytes))),
            decoder: encoding.new_decoder(),
            name: encoding.name(),
            at: 0,
            ended: false,
        };
        Ok(Self {
            inner: BufReader::with_capacity(BUFFER, Box::new(decoded)),
            line: 1,
            taken: 0,
        })
    }

    /// Returns the line of what comes next, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Allows as much as may be taken at a time once more.
    pub(super) fn renew(&mut self) {
        self.taken = 0;
    }

    /// Reads a line without its end; `None` at the end of the file.
    pub(super) fn next_line(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>, Broken> {
        line.clear();
        self.renew();
        let at = self.line;
        let n_bytes = self
            .read_until(b'\n', line)
            .map_err(|error| Broken::line(at, error.to_string()))?;
        Ok((n_bytes > 0).then_some(at))
    }

    /// Reads all of it.
    pub(super) fn whole(mut self, limit: usize) -> Result<String, Broken> {
        let mut text = String::new();
        loop {
            self.renew();
            let part = self.fill_buf();
            let part = part.map_err(|error| Broken::whole(error.to_string()))?;
            if part.is_empty() {
                return Ok(text);
            }
            let n_bytes = part.len();
            if text.len() + n_bytes > limit {
                let message = format!("the file has more than {limit} bytes; split it");
                return Err(Broken::whole(message));
            }
            // A letter is never cut: the decoder writes whole ones.
            text.push_str(&String::from_utf8_lossy(part));
            self.consume(n_bytes);
        }
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.fill_buf()?.read(out)?;
        self.consume(n_bytes);
        Ok(n_bytes)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > TEXT_BYTES {
            return Err(io::Error::other(format!(
                "a text, tag or line has more than {TEXT_BYTES} bytes"
            )));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        let taken = self.inner.buffer().get(..n_bytes).unwrap_or_default();
        let ends = taken.iter().map(|byte| u64::from(*byte == b'\n'));
        self.line += ends.sum::<u64>();
        self.taken += n_bytes;
        self.inner.consume(n_bytes);
    }
}

fn peek(raw: &mut impl BufRead) -> Result<&[u8], Broken> {
    raw.fill_buf()
        .map_err(|error| Broken::whole(format!("it can't be read: {error}")))
}

/// Finds the encoding that a file says it is in.
fn declared(head: &[u8], format: Format) -> Result<&'static Encoding, Broken> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    if head.starts_with(b"<\0") {
        return Ok(UTF_16LE);
    }
    if head.starts_with(b"\0<") {
        return Ok(UTF_16BE);
    }
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (place, key) = match format {
        Format::Html => ("<meta", "charset="),
        Format::Disqus | Format::Wordpress => ("<?xml", "encoding="),
        _ => return Ok(UTF_8),
    };
    let label = text.split_once(place).and_then(|(_, rest)| {
        let (_, rest) = rest.split_once(key)?;
        let label = rest.trim_start_matches(['"', '\'']);
        label.split(['"', '\'', '>', '?', ';', ' ', '/']).next()
    });
    let Some(label) = label else {
        return Ok(UTF_8);
    };
    let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        Broken::whole(format!(
            "the file says that it is in `{label}`, which is no encoding; name it with --encoding"
        ))
    })?;
    // The words that say so are not in UTF-16.
    Ok(if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else {
        encoding
    })
}

/// Bytes of an encoding, read as UTF-8.
struct Decoded {
    bytes: BufReader<Box<dyn Read + Send>>,
    decoder: Decoder,
    name: &'static str,
    /// Bytes that were decoded.
    at: u64,
    ended: bool,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = match self.bytes.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(io::Error::other("the packed file is cut off"));
                }
                other => other?,
            };
            let last = input.is_empty();
            let (result, read, written) = self
                .decoder
                .decode_to_utf8_without_replacement(input, out, last);
            self.bytes.consume(read);
            self.at += read as u64;
            if matches!(result, DecoderResult::Malformed(..)) {
                return Err(io::Error::other(format!(
                    "byte {} is not {}; name the encoding that it is in with --encoding",
                    self.at, self.name
                )));
            }
            self.ended = last && result == DecoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
