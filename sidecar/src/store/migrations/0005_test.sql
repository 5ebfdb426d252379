-- Test campaigns, which simulated PBXs dial and no real one, and nodes that are simulated.
ALTER TABLE outdial.campaigns ADD COLUMN test boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outdial.campaigns.test IS
  'dialed by simulated PBXs only, so nobody is called; for the campaign''s whole life';

-- Leads, attempts and claims follow the campaign, so it can't change what it is.
CREATE FUNCTION outdial.keep_test() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
  RAISE EXCEPTION 'a campaign is a test or real for its whole life; create another one'
    USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER keep_test BEFORE UPDATE OF test ON outdial.campaigns
  FOR EACH ROW WHEN (OLD.test IS DISTINCT FROM NEW.test) EXECUTE FUNCTION outdial.keep_test();

ALTER TABLE outdial.nodes ADD COLUMN test boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outdial.nodes.test IS 'its PBX is a simulated one';

ALTER TABLE outdial.attempts ADD COLUMN test boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outdial.attempts.test IS 'nobody was called; left out of statistics';

-- A test's claims and caps are its own: it neither waits for a real call nor keeps one waiting.
CREATE FUNCTION outdial.guard_key(number text, test boolean) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN test THEN 'test/' || number ELSE number END $$;
COMMENT ON COLUMN outdial.number_guard.number IS 'digits; of test campaigns with test/ in front';
