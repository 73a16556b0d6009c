//! A tree on the disk, as full tiles; the last tile of each level, which is not full, is in memory.
//!
//! ```text
//! DIR/0/000, DIR/0/001 …     256 hashes of entries each
//! DIR/1/000 …                256 hashes of full tiles of level 0 each
//! ```
//!
//! The tree can be made again from its entries, so its files are not written with care: what
//! [`Tree::open`] is told to trust was made durable by [`Tree::sync`] before.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::hash::{Hash, subtree};
use crate::proof::Nodes;
use crate::tile::{HEIGHT, Kind, Tile, WIDTH};
use crate::{Error, path};

/// A tree that grows at its end.
#[derive(Debug)]
pub struct Tree {
    dir: PathBuf,
    size: u64,
    /// Of each level, the hashes that no full tile has.
    partial: Vec<Vec<Hash>>,
    /// Files that may not be on the disk yet.
    unsynced: Vec<PathBuf>,
}

impl Tree {
    /// Opens a tree, or begins one, with at most `trusted` entries; it has as many of them as full
    /// tiles have, see [`Tree::size`]. What is behind them is written anew.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] for a tile that is missing or is none.
    pub fn open(dir: &Path, trusted: u64) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(Error::io("make the folder", dir))?;
        let mut tree = Self {
            dir: dir.to_owned(),
            size: trusted - trusted % WIDTH,
            partial: Vec::new(),
            unsynced: Vec::new(),
        };
        tree.partial.push(Vec::new());
        let mut full = trusted / WIDTH;
        let mut level = 0;
        while full > 0 {
            let begun = full - full % WIDTH;
            let hashes: Result<Vec<Hash>, Error> = (begun..full)
                .map(|index| Ok(subtree(&tree.read(level, index)?)))
                .collect();
            tree.partial.push(hashes?);
            full /= WIDTH;
            level += 1;
        }
        Ok(tree)
    }

    /// Returns the number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of an entry.
    ///
    /// # Errors
    /// [`Error::Io`]; the tree must then be opened again.
    pub fn append(&mut self, leaf: Hash) -> Result<(), Error> {
        let mut hash = leaf;
        for level in 0.. {
            if self.partial.len() == level {
                self.partial.push(Vec::new());
            }
            let Some(hashes) = self.partial.get_mut(level) else {
                break;
            };
            hashes.push(hash);
            if (hashes.len() as u64) < WIDTH {
                break;
            }
            let full = std::mem::take(hashes);
            hash = subtree(&full);
            let level = u32::try_from(level).unwrap_or(u32::MAX);
            self.write(level, self.size >> (HEIGHT * (level + 1)), &full)?;
        }
        self.size += 1;
        Ok(())
    }

    /// Makes all full tiles durable.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&mut self) -> Result<(), Error> {
        let mut folders = BTreeSet::new();
        for file in &self.unsynced {
            let sync = File::open(file).and_then(|opened| opened.sync_all());
            sync.map_err(Error::io("make durable", file))?;
            // A folder that is new is named in the one above it.
            let above = file.ancestors().skip(1);
            folders.extend(
                above
                    .take_while(|folder| folder.starts_with(&self.dir))
                    .map(Path::to_owned),
            );
        }
        for folder in folders {
            let sync = File::open(&folder).and_then(|opened| opened.sync_all());
            sync.map_err(Error::io("make durable", &folder))?;
        }
        self.unsynced.clear();
        Ok(())
    }

    /// Returns a tile's hashes one after the other; none if the tree does not have it.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Malformed`].
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        let Kind::Hashes(level) = tile.kind else {
            return Ok(None);
        };
        if !tile.is_in(self.size) {
            return Ok(None);
        }
        let hashes = self.reading().hashes(level, tile.index)?;
        let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
        Ok(hashes.get(..width).map(<[Hash]>::concat))
    }

    /// Begins to read nodes for one answer.
    pub fn reading(&self) -> Reading<'_> {
        Reading {
            tree: self,
            tiles: RefCell::default(),
        }
    }

    fn file(&self, level: u32, index: u64) -> PathBuf {
        self.dir.join(level.to_string()).join(path::write(index))
    }

    fn read(&self, level: u32, index: u64) -> Result<Vec<Hash>, Error> {
        let file = self.file(level, index);
        let bytes = std::fs::read(&file).map_err(Error::io("read", &file))?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() as u64 != WIDTH || !rest.is_empty() {
            let reason = format!("{} has {} bytes", file.display(), bytes.len());
            return Err(Error::malformed("tile of 8192 bytes", reason));
        }
        Ok(hashes.to_vec())
    }

    fn write(&mut self, level: u32, index: u64, hashes: &[Hash]) -> Result<(), Error> {
        let file = self.file(level, index);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
        }
        // Whoever reads the file meanwhile sees the old one, or all of the new one.
        let new = file.with_extension("new");
        let write = || {
            File::create(&new)?.write_all(&hashes.concat())?;
            std::fs::rename(&new, &file)
        };
        write().map_err(Error::io("write", &file))?;
        self.unsynced.push(file);
        Ok(())
    }
}

/// Nodes of a tree, for one answer: each tile is read and checked once.
#[derive(Debug)]
pub struct Reading<'a> {
    tree: &'a Tree,
    tiles: RefCell<HashMap<Place, Rc<[Hash]>>>,
}

/// A tile's level and index.
type Place = (u32, u64);

impl Reading<'_> {
    /// The hashes of a tile that is in the tree, if they lead to what is above them: a file that was
    /// damaged is not handed out.
    fn hashes(&self, level: u32, index: u64) -> Result<Rc<[Hash]>, Error> {
        let place = (level, index);
        if let Some(hashes) = self.tiles.borrow().get(&place) {
            return Ok(Rc::clone(hashes));
        }
        let hashes = self.checked(level, index)?;
        self.tiles.borrow_mut().insert(place, Rc::clone(&hashes));
        Ok(hashes)
    }

    fn checked(&self, level: u32, index: u64) -> Result<Rc<[Hash]>, Error> {
        let tree = self.tree;
        let full = tree.size >> (HEIGHT * (level + 1));
        if index >= full {
            let level = usize::try_from(level).unwrap_or(usize::MAX);
            return Ok(tree.partial.get(level).cloned().unwrap_or_default().into());
        }
        let hashes = tree.read(level, index)?;
        let above = self.hashes(level + 1, index / WIDTH)?;
        let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        if above.get(at) == Some(&subtree(&hashes)) {
            return Ok(hashes.into());
        }
        let reason = format!(
            "{} was changed; stop the archive and remove {}, and its start makes all tiles again",
            tree.file(level, index).display(),
            tree.dir.display()
        );
        Err(Error::malformed("tile of this tree", reason))
    }
}

impl Nodes for Reading<'_> {
    fn node(&self, level: u32, index: u64) -> Result<Hash, Error> {
        let (tiles, height) = (level / HEIGHT, level % HEIGHT);
        // The node's first hash, in the level of its tile.
        let first = index << height;
        let width = 1_usize << height;
        let hashes = self.hashes(tiles, first / WIDTH)?;
        let at = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        hashes
            .get(at..at.saturating_add(width))
            .map(subtree)
            .ok_or(Error::OutOfRange {
                what: "subtree",
                number: index,
                size: self.tree.size,
            })
    }
}

impl Nodes for Tree {
    fn node(&self, level: u32, index: u64) -> Result<Hash, Error> {
        self.reading().node(level, index)
    }
}

#[cfg(test)]
mod tests;
