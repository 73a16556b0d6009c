//! Tiles: 256 hashes of one height, and their paths.

use crate::path;

/// The hashes of a full tile.
pub(crate) const WIDTH: u64 = 256;
/// The levels of the tree that a tile spans.
pub(crate) const HEIGHT: u32 = 8;

/// What a tile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Hashes of a level; 0 are those of entries.
    Hashes(u32),
    /// The entries themselves.
    Entries,
}

/// Names a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// What it has.
    pub kind: Kind,
    /// Its number in the level.
    pub index: u64,
    /// How many it has: 256, or fewer in the last of a level.
    pub width: u64,
}

impl Tile {
    /// Returns the path below the log's address, `tile/0/x001/067` or `tile/0/x001/067.p/12`.
    pub fn path(&self) -> String {
        let kind = match self.kind {
            Kind::Hashes(level) => level.to_string(),
            Kind::Entries => "entries".to_owned(),
        };
        let number = path::write(self.index);
        if self.width == WIDTH {
            format!("tile/{kind}/{number}")
        } else {
            format!("tile/{kind}/{number}.p/{}", self.width)
        }
    }

    /// Reads what follows `tile/` in a path; only the form that the specification gives is accepted.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(
                decimal(level)
                    .filter(|level| *level < 64)?
                    .try_into()
                    .ok()?,
            ),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                let partial = decimal(width).filter(|width| (1..WIDTH).contains(width))?;
                (number, partial)
            }
            None => (rest, WIDTH),
        };
        let index = path::read(number)?;
        Some(Self { kind, index, width })
    }

    /// Whether a tree of `size` entries has it.
    pub fn is_in(&self, size: u64) -> bool {
        let level = match self.kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        let shift = HEIGHT.saturating_mul(level);
        let hashes = size.checked_shr(shift).unwrap_or(0);
        self.index
            .checked_mul(WIDTH)
            .and_then(|first| first.checked_add(self.width))
            .is_some_and(|end| end <= hashes)
    }
}

/// Reads a number without leading zeros or a sign.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |kind, index, width| Tile { kind, index, width };
        for (tile, path) in [
            (tile(Kind::Hashes(0), 273, 112), "0/273.p/112"),
            (tile(Kind::Hashes(1), 1, 17), "1/001.p/17"),
            (tile(Kind::Hashes(2), 0, 1), "2/000.p/1"),
            (tile(Kind::Hashes(0), 1_234_067, 256), "0/x001/x234/067"),
            (tile(Kind::Entries, 0, 256), "entries/000"),
        ] {
            assert_eq!(tile.path(), format!("tile/{path}"));
            assert_eq!(Tile::parse(path), Some(tile));
        }
        for path in [
            "",
            "0",
            "0/",
            "00/000",
            "64/000",
            "-1/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/",
            "0/000.p",
            "entries",
            "entry/000",
            "0/../000",
            "0/000/",
            "0/x000/000",
            "0/000.p/1/2",
            "99999999999999999999/000",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        let has = |path: &str| Tile::parse(path).unwrap().is_in(70_000);
        for path in [
            "0/272",
            "0/273.p/112",
            "1/000",
            "1/001.p/17",
            "2/000.p/1",
            "entries/273.p/1",
        ] {
            assert!(has(path), "{path}");
        }
        for path in [
            "0/273",
            "0/273.p/113",
            "1/001",
            "1/001.p/18",
            "2/000.p/2",
            "3/000.p/1",
            "63/000",
        ] {
            assert!(!has(path), "{path}");
        }
    }
}
