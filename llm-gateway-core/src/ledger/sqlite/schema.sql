-- Version 1. Money is in nano-dollars. A later version is a script of its own: see schema.rs.

-- What caps are held against: one row per month and scope, whatever the number of calls, so
-- that a reservation costs the same at ten calls and at ten million.
CREATE TABLE totals (
    month   TEXT    NOT NULL,               -- YYYY-MM, UTC
    scope   TEXT    NOT NULL,               -- 'total', 'provider:openai'
    settled INTEGER NOT NULL CHECK (settled >= 0),
    held    INTEGER NOT NULL CHECK (held >= 0),
    PRIMARY KEY (month, scope)
) STRICT, WITHOUT ROWID;

-- What settled calls cost. Summed as they come: the file stays small for years. Single calls
-- are the envelopes' business.
CREATE TABLE spending (
    month      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    task_class TEXT    NOT NULL,
    cost       INTEGER NOT NULL CHECK (cost >= 0),
    calls      INTEGER NOT NULL,
    estimated  INTEGER NOT NULL,            -- calls whose cost is an estimate
    unknown    INTEGER NOT NULL,            -- calls without a price, booked at nothing
    PRIMARY KEY (month, provider, model, task_class)
) STRICT, WITHOUT ROWID;

-- Processes that may hold money. Each keeps an operating-system lock on the file of its id as
-- long as it lives. AUTOINCREMENT: an id never comes back, so no process is taken for another.
CREATE TABLE processes (
    id INTEGER PRIMARY KEY AUTOINCREMENT
) STRICT;

-- Calls on their way, and calls whose process died (its lock is free).
CREATE TABLE holds (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    process    INTEGER NOT NULL,
    month      TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    task_class TEXT    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    scopes     TEXT    NOT NULL             -- what it counts in, separated by spaces
) STRICT;

CREATE INDEX holds_by_month ON holds (month);
CREATE INDEX holds_by_process ON holds (process);
