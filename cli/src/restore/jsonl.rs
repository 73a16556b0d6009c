//! Restoring from the lines of `stoa export jsonl`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use stoa_journal::Restore;

use super::Expected;
use crate::export::line::{self, Line};
use crate::output;
use crate::publish::{self, LINE_BYTES};

/// Writes the journal of an export into an archive's folder that is being made.
pub(super) fn restore(file: &Path, new: &Path) -> anyhow::Result<Expected> {
    let name = file.display();
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let opened = File::open(file).with_context(|| format!("{name} can't be read"))?;
        Box::new(BufReader::with_capacity(1 << 20, opened))
    };
    let bar = output::progress(publish::size(file), "bytes");
    let mut restore = Restore::begin(&new.join("journal"))?;
    let (mut end, mut text) = (None, Vec::new());
    for number in 1_u64.. {
        text.clear();
        let read = input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut text);
        let read = read.with_context(|| format!("{name} can't be read"))?;
        if read == 0 {
            break;
        }
        let refuse =
            |reason: &str| anyhow::anyhow!("{name}, line {number}: {reason}; nothing was restored");
        if end.is_some() {
            bail!(refuse("this is behind the last line"));
        }
        match line::read(text.trim_ascii_end()).map_err(|reason| refuse(&reason))? {
            Line::Record(kept) => {
                if number == 1 && kept.seq > 0 {
                    bail!(refuse(
                        "this is not the first record: it is a selection, or was cut; only a whole \
                         export can be restored"
                    ));
                }
                restore
                    .put(&kept)
                    .map_err(|error| refuse(&error.to_string()))?;
            }
            Line::End(said) => end = Some((said, number)),
            Line::Other => bail!(refuse(
                "this is no record of `stoa export jsonl`; events of another origin are for `stoa \
                 import jsonl`"
            )),
        }
        bar.inc(read as u64);
    }
    let restored = restore.finish()?;
    bar.finish_and_clear();
    let Some((end, number)) = end else {
        bail!(
            "{name} ends with record {} and without its last line: it was cut, or is a selection; \
             nothing was restored",
            restored.records
        );
    };
    if end.records != restored.records {
        bail!(
            "{name}, line {number}: it says {} records, and there are {}; nothing was restored",
            end.records,
            restored.records
        );
    }
    Ok(Expected {
        records: end.records,
        head: end.head,
        root: end.root,
        checkpoint: None,
    })
}
