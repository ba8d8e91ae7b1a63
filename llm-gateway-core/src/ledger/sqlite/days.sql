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

-- A call is added twice now, to its day and to its month, so a sum takes what was added: one row of
-- each kind is written, where the trigger of version 2 subtracted the old row and added the new one.
-- Each statement finds its row by the whole key.
DROP TRIGGER spending_updated;

CREATE TRIGGER spending_added AFTER UPDATE ON spending
    WHEN (NEW.period, NEW.provider, NEW.model, NEW.task_class)
        = (OLD.period, OLD.provider, OLD.model, OLD.task_class) BEGIN
    UPDATE sums SET cost = max(cost + min(NEW.cost - OLD.cost, 9223372036854775807 - cost), 0),
        calls = calls + NEW.calls - OLD.calls, estimated = estimated + NEW.estimated - OLD.estimated,
        unknown = unknown + NEW.unknown - OLD.unknown
        WHERE period = NEW.period AND kind = 'provider' AND key = NEW.provider;
    UPDATE sums SET cost = max(cost + min(NEW.cost - OLD.cost, 9223372036854775807 - cost), 0),
        calls = calls + NEW.calls - OLD.calls, estimated = estimated + NEW.estimated - OLD.estimated,
        unknown = unknown + NEW.unknown - OLD.unknown
        WHERE period = NEW.period AND kind = 'model' AND key = NEW.model;
    UPDATE sums SET cost = max(cost + min(NEW.cost - OLD.cost, 9223372036854775807 - cost), 0),
        calls = calls + NEW.calls - OLD.calls, estimated = estimated + NEW.estimated - OLD.estimated,
        unknown = unknown + NEW.unknown - OLD.unknown
        WHERE period = NEW.period AND kind = 'task_class' AND key = NEW.task_class;
END;

-- A row that a person gave another key is taken out of the sums, and put in again.
CREATE TRIGGER spending_moved AFTER UPDATE ON spending
    WHEN (NEW.period, NEW.provider, NEW.model, NEW.task_class)
        <> (OLD.period, OLD.provider, OLD.model, OLD.task_class) BEGIN
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE period = OLD.period AND kind = 'provider' AND key = OLD.provider;
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE period = OLD.period AND kind = 'model' AND key = OLD.model;
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE period = OLD.period AND kind = 'task_class' AND key = OLD.task_class;
    INSERT INTO sums VALUES
        (NEW.period, 'provider', NEW.provider, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown),
        (NEW.period, 'model', NEW.model, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown),
        (NEW.period, 'task_class', NEW.task_class, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown)
        ON CONFLICT DO UPDATE SET
            cost = cost + min(excluded.cost, 9223372036854775807 - cost),
            calls = calls + excluded.calls,
            estimated = estimated + excluded.estimated,
            unknown = unknown + excluded.unknown;
END;
