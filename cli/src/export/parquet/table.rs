//! A Parquet file that is written group by group of rows.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use crate::export::out::Out;

/// A group is written when it has so many rows, or so many bytes of text.
const ROWS: usize = 50_000;
const BYTES: usize = 32 * 1024 * 1024;

/// What a column has; all but lists and flags may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Texts,
    Number,
    Time,
    Flag,
}

impl Type {
    /// Returns the name in the documentation.
    #[cfg(test)]
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Texts => "list of strings",
            Self::Number => "int64",
            Self::Time => "timestamp",
            Self::Flag => "boolean",
        }
    }
}

/// A value in a row.
pub(super) enum Cell<'a> {
    Text(Option<&'a str>),
    Texts(Vec<&'a str>),
    Number(Option<i64>),
    /// In microseconds since 1970.
    Time(Option<i64>),
    Flag(bool),
}

/// A file that is being written.
pub(super) struct Table {
    writer: SerializedFileWriter<Out>,
    columns: Vec<Column>,
    waiting: usize,
    bytes: usize,
    rows: u64,
}

/// The values of a column in the group that is being gathered, with the levels of Parquet: how much of
/// the value's path is there, and for lists whether it goes on with the same row.
struct Column {
    texts: Vec<ByteArray>,
    numbers: Vec<i64>,
    flags: Vec<bool>,
    defined: Vec<i16>,
    repeated: Vec<i16>,
    of: Type,
}

impl Table {
    /// Begins a file.
    pub(super) fn begin(
        name: &str,
        columns: &'static [(&str, Type)],
        out: Out,
    ) -> anyhow::Result<Self> {
        let mut schema = format!("message {name} {{");
        for (column, of) in columns {
            // Writing to a string can't fail.
            match of {
                Type::Text => write!(schema, "optional binary {column} (STRING);"),
                Type::Number => write!(schema, "optional int64 {column};"),
                Type::Time => write!(schema, "optional int64 {column} (TIMESTAMP(MICROS,true));"),
                Type::Flag => write!(schema, "required boolean {column};"),
                Type::Texts => write!(
                    schema,
                    "required group {column} (LIST) {{ repeated group list {{ \
                     required binary element (STRING); }} }}"
                ),
            }?;
        }
        schema.push('}');
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("stoa ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = Arc::new(parse_message_type(&schema)?);
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
        Ok(Self {
            writer,
            columns: columns.iter().map(|(_, of)| Column::new(*of)).collect(),
            waiting: 0,
            bytes: 0,
            rows: 0,
        })
    }

    /// Returns how many rows were added.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row, with its cells in the order of the columns.
    pub(super) fn push(&mut self, row: &[Cell<'_>]) -> anyhow::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            self.bytes += column.push(cell)?;
        }
        self.waiting += 1;
        self.rows += 1;
        if self.waiting >= ROWS || self.bytes >= BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let mut writer = group.next_column()?.context("there are fewer columns")?;
            column.write(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        (self.waiting, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes what is left and the file's end.
    pub(super) fn finish(mut self) -> anyhow::Result<Out> {
        if self.waiting > 0 {
            self.flush()?;
        }
        Ok(self.writer.into_inner()?)
    }
}

impl Column {
    fn new(of: Type) -> Self {
        Self {
            texts: Vec::new(),
            numbers: Vec::new(),
            flags: Vec::new(),
            defined: Vec::new(),
            repeated: Vec::new(),
            of,
        }
    }

    /// Adds a value; returns the bytes of its text.
    fn push(&mut self, cell: &Cell<'_>) -> anyhow::Result<usize> {
        match (self.of, cell) {
            (Type::Text, Cell::Text(text)) => {
                self.defined.push(text.is_some().into());
                self.texts.extend(text.map(ByteArray::from));
                Ok(text.map_or(0, str::len))
            }
            (Type::Number, Cell::Number(n)) | (Type::Time, Cell::Time(n)) => {
                self.defined.push(n.is_some().into());
                self.numbers.extend(n);
                Ok(8)
            }
            (Type::Flag, Cell::Flag(flag)) => {
                self.flags.push(*flag);
                Ok(1)
            }
            (Type::Texts, Cell::Texts(list)) => {
                if list.is_empty() {
                    self.defined.push(0);
                    self.repeated.push(0);
                }
                for (place, text) in list.iter().enumerate() {
                    self.defined.push(1);
                    self.repeated.push((place > 0).into());
                    self.texts.push(ByteArray::from(*text));
                }
                Ok(list.iter().map(|text| text.len()).sum())
            }
            (of, _) => bail!("a value is not of its column's type, {of:?}"),
        }
    }

    /// Writes the values, and forgets them.
    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> anyhow::Result<()> {
        let column = std::mem::replace(self, Self::new(self.of));
        let (defined, repeated) = (Some(column.defined.as_slice()), column.repeated.as_slice());
        match column.of {
            Type::Text => {
                writer
                    .typed::<ByteArrayType>()
                    .write_batch(&column.texts, defined, None)?
            }
            Type::Texts => writer.typed::<ByteArrayType>().write_batch(
                &column.texts,
                defined,
                Some(repeated),
            )?,
            Type::Number | Type::Time => {
                writer
                    .typed::<Int64Type>()
                    .write_batch(&column.numbers, defined, None)?
            }
            Type::Flag => writer
                .typed::<BoolType>()
                .write_batch(&column.flags, None, None)?,
        };
        Ok(())
    }
}
