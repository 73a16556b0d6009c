//! `stoa completions` and `stoa man`: what a package ships beside the binary, made from the commands themselves.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::output;

/// Prints what completes the commands of `stoa` in a shell.
///
/// For bash: `stoa completions bash >/usr/share/bash-completion/completions/stoa`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes a manual page for each command into a folder: `stoa.1`, `stoa-up.1` and so on.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder; it is made if it is missing.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs `stoa completions`.
pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "stoa", &mut script);
    output::raw(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// Runs `stoa man`.
pub(crate) fn man(args: &ManArgs, command: Command) -> anyhow::Result<ExitCode> {
    let folder = args.folder.display();
    std::fs::create_dir_all(&args.folder).with_context(|| format!("{folder} can't be made"))?;
    clap_mangen::generate_to(command, &args.folder)
        .with_context(|| format!("the manual can't be written to {folder}"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Cli;

    #[test]
    fn each_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let args = ManArgs {
            folder: folder.path().join("man1"),
        };
        man(&args, Cli::command()).unwrap();
        for page in ["stoa.1", "stoa-up.1", "stoa-archive-verify.1"] {
            let text = std::fs::read_to_string(args.folder.join(page)).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{page}");
        }
    }
}
