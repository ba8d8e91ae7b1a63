-- Version 3. Days beside months, and task classes beside providers. A day is a row of the same
-- tables, with a key such as '2026-11-30' beside '2026-11': nothing resets it, and what keeps the
-- sums of a month keeps those of a day.
--
-- The new name of the column is what keeps an older version out that has the file open: it would
-- count a call in its month and not in its day.

ALTER TABLE totals RENAME COLUMN month TO period;
ALTER TABLE spending RENAME COLUMN month TO period;
ALTER TABLE sums RENAME COLUMN month TO period;

-- A hold of an older version belongs to its month alone: of its day nothing is known.
ALTER TABLE holds ADD COLUMN day TEXT NOT NULL DEFAULT '';

-- What task classes have cost and hold in the months before. `min()` keeps a sum within 63 bits.
INSERT INTO totals SELECT period, 'class:' || key, cost, 0
    FROM sums WHERE kind = 'task_class';
INSERT INTO totals SELECT month, 'class:' || task_class, 0, amount
    FROM holds WHERE true
    ON CONFLICT DO UPDATE SET
        held = held + min(excluded.held, 9223372036854775807 - held);
UPDATE holds SET scopes = scopes || ' class:' || task_class;
