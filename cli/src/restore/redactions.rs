//! The list that `stoa export redactions` wrote, carried out on what is being restored.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use stoa_archive::{Learner, Listed};

use crate::export::redactions::{End, archive};

/// The longest line; an event is below one MiB.
const LINE_BYTES: u64 = 2 * 1024 * 1024;
/// Events that are carried out together.
const TOGETHER: usize = 512;

/// What helps against every list that is not one.
const REMEDY: &str =
    "copy it again, or write it anew with `stoa export redactions`; nothing was restored";

/// A list that is whole.
pub(super) struct List {
    path: PathBuf,
    end: End,
}

impl List {
    /// Reads a list through, before anything else is done.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let end = read(path, &mut |_, _| Ok(()))?;
        let path = path.to_owned();
        Ok(Self { path, end })
    }

    /// Carries it out in an archive's folder that is being made; returns how many records that added.
    pub(super) fn carry_out(&self, new: &Path) -> anyhow::Result<u64> {
        let (name, here) = (self.path.display(), archive(&new.join("journal"))?);
        if self.end.archive != here {
            bail!(
                "{name}, last line: `stoaarchive` is {}, and what is restored is of the archive {here}: \
                 take a list that this archive has written; nothing was restored",
                self.end.archive
            );
        }
        let learner = Learner::open(new)?;
        read(&self.path, &mut |number, listed| {
            learner.check(listed).with_context(|| {
                format!(
                    "{name}, line {number}: the list does not fit what is restored: take one that the \
                     archive wrote after it; nothing was restored"
                )
            })
        })?;
        let mut together = Vec::with_capacity(TOGETHER);
        read(&self.path, &mut |_, listed| {
            together.push(listed.clone());
            if together.len() == TOGETHER {
                learner.take(std::mem::take(&mut together))?;
            }
            Ok(())
        })?;
        learner.take(together)?;
        learner.close()
    }
}

/// Hands over every entry with its line's number, and returns the last line.
fn read(
    path: &Path,
    take: &mut dyn FnMut(u64, &Listed) -> anyhow::Result<()>,
) -> anyhow::Result<End> {
    let name = path.display();
    let cannot = || format!("--redactions {name} can't be read");
    let mut input = BufReader::new(File::open(path).with_context(cannot)?);
    let (mut text, mut events) = (Vec::new(), 0);
    loop {
        text.clear();
        let line = input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut text);
        if line.with_context(cannot)? == 0 {
            bail!(
                "{name} ends after {events} events and without its last line: it was cut; {REMEDY}"
            );
        }
        let line = text.trim_ascii_end();
        let number = events + 1;
        match End::read(line) {
            Some(Ok(end)) if end.events == events => {
                if !input.fill_buf().with_context(cannot)?.is_empty() {
                    bail!("{name} goes on behind its last line, line {number}; {REMEDY}");
                }
                return Ok(end);
            }
            Some(Ok(end)) => bail!(
                "{name}, line {number}: `stoaredactions` is {}, and there are {events} events; {REMEDY}",
                end.events
            ),
            Some(Err(error)) => {
                bail!("{name}, line {number}: the last line is cut: {error}; {REMEDY}")
            }
            None => {}
        }
        let listed = Listed::from_line(line)
            .map_err(|reason| anyhow::anyhow!("{name}, line {number}: {reason}; {REMEDY}"))?;
        take(number, &listed)?;
        events += 1;
    }
}
