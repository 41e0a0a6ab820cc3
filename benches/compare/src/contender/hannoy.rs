//! `hannoy`: a graph in LMDB, the one rival here that lies in a file as Memlith does.

use super::{Contender, Parameters};
use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use hannoy::distances::Cosine;
use hannoy::{Database, Reader, Writer};
use heed::{CommitOrAbort, Env, EnvFlags, EnvOpenOptions, WithoutTls};
use rand::SeedableRng;
use rand::rngs::StdRng;
use roaring_of_hannoy::RoaringBitmap;

/// Address space of the file.
const MAP_BYTES: usize = 64 << 30;
const SEED: u64 = 42;

pub(crate) struct Hannoy {
    /// Never closed, for what is read from it borrows it: it ends with the process.
    env: &'static Env<WithoutTls>,
    database: Database<'static, Cosine>,
    reader: Reader<'static, Cosine>,
    dimension: usize,
    m: usize,
    ef_construction: usize,
}

/// The changes of one transaction.
enum Change<'a> {
    Remove(&'a [u32]),
    Insert(&'a [(u32, &'a [f32])]),
}

impl Hannoy {
    /// Makes the changes in `writer`'s database, and links what is new.
    fn commit(
        env: &Env<WithoutTls>,
        writer: &Writer<'_, Cosine>,
        (m, ef_construction): (usize, usize),
        change: &Change<'_>,
    ) -> Result<(), Failure> {
        let mut transaction = env.write_txn()?;
        match change {
            Change::Remove(ids) => {
                for &id in *ids {
                    writer.del_item(&mut transaction, id)?;
                }
            }
            Change::Insert(entries) => {
                for &(id, vector) in *entries {
                    writer.add_item(&mut transaction, id, vector)?;
                }
            }
        }
        let mut random = StdRng::seed_from_u64(SEED);
        let mut builder = writer.builder(&mut random);
        builder.ef_construction(ef_construction);
        // The numbers of links are constants of its code.
        match m {
            8 => builder.build::<8, 16>(&mut transaction)?,
            16 => builder.build::<16, 32>(&mut transaction)?,
            32 => builder.build::<32, 64>(&mut transaction)?,
            _ => return Err("it is built with 8, 16 or 32 links here".into()),
        }
        transaction.commit()?;
        Ok(())
    }

    fn change(&mut self, change: &Change<'_>) -> Result<(), Failure> {
        let writer = Writer::new(self.database, 0, self.dimension);
        Self::commit(self.env, &writer, (self.m, self.ef_construction), change)?;
        let transaction = self.env.read_txn()?;
        self.reader = Reader::open(&transaction, 0, self.database)?;
        Ok(())
    }
}

impl Contender for Hannoy {
    type Filter = RoaringBitmap;

    const NOTE: &'static str = "crate 0.3, f32, in a file: own bytes are its pages, no fsync";

    fn build(parameters: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure> {
        let Parameters { m, ef_construction, folder } = parameters;
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(MAP_BYTES);
        #[expect(unsafe_code, reason = "heed leaves to its caller what LMDB demands of flags")]
        // SAFETY: nobody reads the file after a crash of the machine, which alone NO_SYNC endangers.
        unsafe {
            options.flags(EnvFlags::NO_SYNC)
        };
        #[expect(unsafe_code, reason = "heed maps a file, which others must not change")]
        // SAFETY: the folder was made for this process, and nothing else writes to it.
        let env = unsafe { options.open(folder) }?;
        let env: &'static Env<WithoutTls> = Box::leak(Box::new(env));
        let transaction = env.write_txn()?;
        let database: Database<'_, Cosine> = env
            .create_databases_and_commit(transaction, |opener, transaction| -> heed::Result<_> {
                opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        let dimension = vectors.dimension();
        let writer = Writer::new(database, 0, dimension);
        let entries: Vec<_> = (0..).zip(vectors.rows()).collect();
        Self::commit(env, &writer, (m, ef_construction), &Change::Insert(&entries))?;
        let transaction = env.read_txn()?;
        let reader = Reader::open(&transaction, 0, database)?;
        Ok(Self { env, database, reader, dimension, m, ef_construction })
    }

    fn filter(bits: &Bits) -> RoaringBitmap {
        bits.iter().collect()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        effort: u32,
        filter: Option<&RoaringBitmap>,
    ) -> Result<Vec<u32>, Failure> {
        let transaction = self.env.read_txn()?;
        let mut search = self.reader.nns(k);
        search.ef_search(effort as usize);
        if let Some(filter) = filter {
            search.candidates(filter);
        }
        let found = search.by_vector(&transaction, query)?.into_nns();
        Ok(found.iter().map(|&(id, _)| id).collect())
    }

    fn bytes(&self) -> Option<u64> {
        let stat = self.env.unnamed_database_stat();
        let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
        Some(pages as u64 * u64::from(stat.page_size))
    }

    fn remove(&mut self, ids: &[u32]) -> Result<(), Failure> {
        self.change(&Change::Remove(ids))
    }

    fn insert(&mut self, entries: &[(u32, &[f32])]) -> Result<(), Failure> {
        self.change(&Change::Insert(entries))
    }
}
