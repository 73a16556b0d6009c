//! The starter rule set, as part of the program.

use std::collections::BTreeMap;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// The files of the starter rule set, by their paths in its folder.
        const FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../rules/", $path)))),*];
    };
}

files! {
    "stoa.yaml",
    "lists/contact-hosts.txt",
    "lists/insults-de.txt",
    "lists/insults-en.txt",
    "lists/insults-fr.txt",
    "lists/insults-ru.txt",
    "lists/shorteners.txt",
    "lists/slurs-de.txt",
    "lists/slurs-en.txt",
    "lists/slurs-fr.txt",
    "lists/slurs-ru.txt",
    "lists/spam-phrases.txt",
    "lists/threats-de.txt",
    "lists/threats-en.txt",
    "lists/threats-fr.txt",
    "lists/threats-ru.txt",
}

/// Returns the files of the starter rule set.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_table_lists_every_file_of_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut found = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|kind| kind == "yaml" || kind == "txt")
                {
                    let name = path
                        .strip_prefix(&root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        assert_eq!(found, files());
    }

    #[test]
    fn it_loads_the_same_embedded_and_from_the_folder() {
        let embedded = stoa_rules::RuleSet::from_sources(&files()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        assert_eq!(
            stoa_rules::RuleSet::load(&root).unwrap().hash(),
            embedded.hash()
        );
    }
}
