//! Reading a ledger back: what a run knew when it ended, however it ended.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};

use super::{Header, Line, VERSION};
use crate::stress::corpus::Shape;
use crate::stress::run::Run;

/// Reads what the run of a ledger sent.
pub(in crate::stress) fn header(path: &Path) -> anyhow::Result<Shape> {
    let mut first = String::new();
    open(path)?
        .read_line(&mut first)
        .with_context(|| format!("the ledger {} can't be read", path.display()))?;
    let header: Header = serde_json::from_str(&first)
        .with_context(|| format!("{} is no ledger of `stoa stress`", path.display()))?;
    if header.stress_ledger != VERSION {
        bail!(
            "the ledger {} has version {}, this program reads {VERSION}: use the one that wrote it",
            path.display(),
            header.stress_ledger
        );
    }
    Ok(header.shape)
}

/// Brings a run to where the one of the ledger was.
pub(in crate::stress) fn replay(path: &Path, run: &Run) -> anyhow::Result<()> {
    plan(path, run)?;
    each(path, |number, line| {
        match line {
            Line::Attempted {
                attempted, batch, ..
            } => {
                let kind = run.kind(attempted).context("its event is not planned")?;
                if Line::attempted(attempted, batch, kind, &run.corpus) != line {
                    bail!("this program would send another event: use the one that wrote it");
                }
                run.attempt_at(attempted, batch, number);
            }
            Line::Answered {
                answered,
                taken,
                refused,
            } => {
                if let Some(how) = taken {
                    run.acknowledge_at(answered, how, false, number);
                }
                if let Some(code) = refused {
                    run.refuse_at(answered, &code, number);
                }
            }
        }
        Ok(())
    })
}

/// Plans all events up to the last that was attempted: an event is planned after those before it.
fn plan(path: &Path, run: &Run) -> anyhow::Result<()> {
    let mut end = 0;
    each(path, |_, line| {
        if let Line::Attempted { attempted, .. } = line {
            end = end.max(attempted + 1);
        }
        Ok(())
    })?;
    for n in 0..end {
        run.plan(n);
    }
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path)
        .with_context(|| format!("the ledger {} can't be opened", path.display()))?;
    Ok(BufReader::with_capacity(1 << 20, file))
}

/// Reads every line but the first; a last line that was cut off is passed over.
fn each(
    path: &Path,
    mut read: impl FnMut(u64, Line<'static>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut file = open(path)?;
    let mut text = String::new();
    for number in 1_u64.. {
        text.clear();
        file.read_line(&mut text)
            .with_context(|| format!("the ledger {} can't be read", path.display()))?;
        if !text.ends_with('\n') {
            break;
        }
        if number == 1 {
            continue;
        }
        serde_json::from_str(&text)
            .map_err(anyhow::Error::from)
            .and_then(|line| read(number, line))
            .with_context(|| format!("line {number} of the ledger {}", path.display()))?;
    }
    Ok(())
}
