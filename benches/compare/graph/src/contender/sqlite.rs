//! SQLite: edges in a table, walks by a recursive query or by the application.

use super::{Contender, Loaded};
use crate::Failure;
use crate::clock::Stopwatch;
use crate::data::{FOLLOWED, Input, MIN_WEIGHT};
use crate::task::{Asked, Measured, Task};
use rusqlite::{CachedStatement, Connection};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Who walks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The application, a query for each node.
    Application,
    /// SQLite.
    Recursive,
}

/// See the module.
pub(crate) struct Sqlite {
    path: PathBuf,
    way: Way,
    connection: Option<Connection>,
}

impl Sqlite {
    pub(crate) fn new(folder: &Path, way: Way) -> Self {
        let name = if way == Way::Application { "application.db" } else { "recursive.db" };
        Self { path: folder.join(name), way, connection: None }
    }

    /// Nodes that a path with the fewest edges goes through, less one, from both ends.
    fn shortest(connection: &Connection, start: u32, goal: u32) -> Result<f64, Failure> {
        let mut ahead = connection.prepare_cached("SELECT target FROM edges WHERE source = ?")?;
        let mut back = connection.prepare_cached("SELECT source FROM edges WHERE target = ?")?;
        let mut met = [HashSet::from([start]), HashSet::from([goal])];
        let mut layers = [vec![start], vec![goal]];
        let mut length = 0.0;
        while layers.iter().all(|layer| !layer.is_empty()) {
            let side = usize::from(layers[0].len() > layers[1].len());
            let mut next = Vec::new();
            length += 1.0;
            for node in std::mem::take(&mut layers[side]) {
                for other in numbers(if side == 0 { &mut ahead } else { &mut back }, node)? {
                    if met[1 - side].contains(&other) {
                        return Ok(length);
                    }
                    if met[side].insert(other) {
                        next.push(other);
                    }
                }
            }
            layers[side] = next;
        }
        Ok(-1.0)
    }

    fn related(&self, connection: &Connection, start: u32) -> Result<f64, Failure> {
        if self.way == Way::Recursive {
            let mut statement = connection.prepare_cached(&format!(
                "WITH RECURSIVE around(node, hops) AS (VALUES (?, 0) UNION \
                 SELECT e.target, a.hops + 1 FROM around a JOIN edges e ON e.source = a.node \
                 WHERE a.hops < 2 AND e.kind < {FOLLOWED} AND e.weight >= {MIN_WEIGHT}) \
                 SELECT DISTINCT node FROM around WHERE node <> ?1"
            ))?;
            return Ok(numbers(&mut statement, start)?.len() as f64);
        }
        let mut statement = connection.prepare_cached(&format!(
            "SELECT target FROM edges WHERE source = ? AND kind < {FOLLOWED} AND weight >= {MIN_WEIGHT}"
        ))?;
        let (mut met, mut layer) = (HashSet::from([start]), vec![start]);
        for _ in 0..2 {
            let mut next = Vec::new();
            for node in layer {
                next.extend(numbers(&mut statement, node)?.into_iter().filter(|&n| met.insert(n)));
            }
            layer = next;
        }
        Ok((met.len() - 1) as f64)
    }
}

fn numbers(statement: &mut CachedStatement<'_>, of: u32) -> Result<Vec<u32>, rusqlite::Error> {
    statement.query_map([of], |row| row.get(0))?.collect()
}

impl Contender for Sqlite {
    fn name(&self) -> &'static str {
        match self.way {
            Way::Application => "sqlite, walked by the application",
            Way::Recursive => "sqlite, recursive query",
        }
    }

    fn load(&mut self, input: &Input) -> Result<Loaded, Failure> {
        let connection = Connection::open(&self.path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -524288;
             CREATE TABLE edges(source INTEGER, target INTEGER, kind INTEGER, weight REAL);
             CREATE INDEX ahead ON edges(source, kind, weight, target);
             CREATE INDEX back ON edges(target, source);",
        )?;
        let watch = Stopwatch::start();
        connection.execute_batch("BEGIN")?;
        {
            let mut insert = connection.prepare("INSERT INTO edges VALUES (?, ?, ?, ?)")?;
            for edge in &input.edges {
                insert.execute((edge.source, edge.target, edge.kind, edge.weight))?;
            }
        }
        connection.execute_batch("COMMIT")?;
        let loaded = Loaded { wall_s: watch.wall_s(), cpu_s: watch.cpu_s(), lies: "file, durable" };
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE")?;
        self.connection = Some(connection);
        Ok(loaded)
    }

    fn run(&mut self, task: Task, asked: &Asked<'_>) -> Result<Option<Measured>, Failure> {
        let connection = self.connection.as_ref().ok_or("it has no graph")?;
        Ok(match task {
            Task::Related => Some(asked.each(|start, _| self.related(connection, start))?),
            Task::ShortestPath if self.way == Way::Application => {
                Some(asked.each(|start, goal| Self::shortest(connection, start, goal))?)
            }
            _ => None,
        })
    }
}
