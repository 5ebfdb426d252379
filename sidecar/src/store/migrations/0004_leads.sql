-- What becomes of leads: attempts in a row, callbacks, owners, skills, lists that take turns,
-- dispositions, attempts of a number in all.

-- {"busy": {"retry": true, "delay_seconds": [600, 1200], "attempts": 5, "next_number": false,
--           "status": "unreachable"}, "completed": {"status": "contacted"}, "callback": {...}};
-- what is not named keeps its default.
CREATE OR REPLACE FUNCTION outdial.is_retry(rules jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$
SELECT CASE WHEN jsonb_typeof(rules) <> 'object' THEN false ELSE coalesce((
  SELECT bool_and(
    o.key IN ('completed', 'no_answer', 'busy', 'congested', 'invalid', 'machine', 'abandoned',
              'cancelled', 'failed', 'callback')
    AND CASE WHEN jsonb_typeof(o.value) = 'object' THEN coalesce((
      SELECT bool_and(CASE
        WHEN f.key = 'status' THEN jsonb_typeof(f.value) = 'string'
          AND (f.value #>> '{}') ~ '^[A-Za-z0-9_./ -]{1,80}$' AND position('..' in (f.value #>> '{}')) = 0
        WHEN o.key = 'completed' THEN false
        WHEN f.key IN ('retry', 'next_number') THEN jsonb_typeof(f.value) = 'boolean'
        WHEN f.key = 'attempts' THEN CASE WHEN jsonb_typeof(f.value) = 'number'
          THEN (f.value #>> '{}')::numeric BETWEEN 1 AND 1000
           AND (f.value #>> '{}')::numeric = trunc((f.value #>> '{}')::numeric)
          ELSE false END
        WHEN f.key = 'delay_seconds' THEN
          CASE jsonb_typeof(f.value) WHEN 'array' THEN jsonb_array_length(f.value) BETWEEN 1 AND 8
               WHEN 'number' THEN true ELSE false END
          AND (SELECT coalesce(bool_and(CASE WHEN jsonb_typeof(d) = 'number'
                 THEN (d #>> '{}')::numeric BETWEEN 0 AND 366 * 86400
                  AND (d #>> '{}')::numeric = trunc((d #>> '{}')::numeric)
                 ELSE false END), false)
               FROM jsonb_path_query(f.value, 'lax $[*]') AS d)
        ELSE false END)
      FROM jsonb_each(o.value) AS f), true) ELSE false END)
  FROM jsonb_each(rules) AS o), true) END
$$;

ALTER TABLE outdial.campaigns
  ADD COLUMN number_attempts_total integer
    CONSTRAINT campaigns_number_attempts_total_check CHECK (number_attempts_total BETWEEN 1 AND 1000),
  ADD COLUMN callback_hold_minutes integer DEFAULT 60
    CONSTRAINT campaigns_callback_hold_minutes_check
    CHECK (callback_hold_minutes BETWEEN 0 AND 10080);
COMMENT ON COLUMN outdial.campaigns.number_attempts_total IS
  'attempts of one number, ever and over all campaigns, after which this one does not dial it; NULL: no limit';
COMMENT ON COLUMN outdial.campaigns.callback_hold_minutes IS
  'a callback with one agent waits so long for the agent, then anybody has it; NULL: it waits for ever';

ALTER TABLE outdial.lists
  ADD COLUMN weight integer NOT NULL DEFAULT 1
    CONSTRAINT lists_weight_check CHECK (weight BETWEEN 1 AND 1000),
  ADD COLUMN priority smallint NOT NULL DEFAULT 0
    CONSTRAINT lists_priority_check CHECK (priority BETWEEN -100 AND 100);
COMMENT ON COLUMN outdial.lists.weight IS 'share among the lists of equal priority of a campaign';
COMMENT ON COLUMN outdial.lists.priority IS 'higher first; added to the leads'' own';

-- The rank puts callbacks before all else; the holder is who alone may have the lead just now.
DROP INDEX outdial.leads_due;
ALTER TABLE outdial.leads
  ADD COLUMN last_count integer NOT NULL DEFAULT 0,
  ADD COLUMN skill text CONSTRAINT leads_skill_check CHECK (outdial.is_name(skill)),
  ADD COLUMN owner_agent bigint REFERENCES outdial.agents ON DELETE SET NULL,
  ADD COLUMN owner_until timestamptz,
  ADD COLUMN callback_at timestamptz,
  ADD COLUMN callback_agent bigint REFERENCES outdial.agents ON DELETE SET NULL,
  ADD COLUMN callback_tries integer NOT NULL DEFAULT 0,
  ADD COLUMN callback_note text
    CONSTRAINT leads_callback_note_check CHECK (length(callback_note) <= 500),
  ADD COLUMN rank smallint GENERATED ALWAYS AS
    ((priority + CASE WHEN callback_at IS NULL THEN 0 ELSE 1000 END)::smallint) STORED,
  ADD COLUMN holder bigint GENERATED ALWAYS AS (coalesce(callback_agent, owner_agent)) STORED;
COMMENT ON COLUMN outdial.leads.reason IS
  'why it is done: the final status of its rule (completed, unreachable, ...), a disposition, max_attempts, do_not_call, no_number, node_lost, callback_cancelled';
COMMENT ON COLUMN outdial.leads.last_count IS 'attempts in a row that ended with last_outcome';
COMMENT ON COLUMN outdial.leads.skill IS 'agents who have it are preferred';
COMMENT ON COLUMN outdial.leads.owner_agent IS 'who alone has the lead, until owner_until; NULL there: for ever';
COMMENT ON COLUMN outdial.leads.callback_at IS 'somebody asked to be called then, by callback_agent or anybody';

CREATE INDEX leads_due ON outdial.leads
  (campaign_id, time_zone, (coalesce(list_id, 0)), (-rank), next_at)
  WHERE status = 'ready' AND holder IS NULL;
CREATE INDEX leads_held ON outdial.leads (campaign_id, holder, time_zone, (-rank), next_at)
  WHERE status = 'ready' AND holder IS NOT NULL;
CREATE INDEX leads_in_hand ON outdial.leads (campaign_id, holder)
  WHERE status = 'leased' AND holder IS NOT NULL;
CREATE INDEX leads_callbacks ON outdial.leads (campaign_id, callback_at)
  WHERE status = 'ready' AND callback_at IS NOT NULL;
CREATE INDEX leads_owner_until ON outdial.leads (campaign_id, owner_until)
  WHERE status = 'ready' AND owner_until IS NOT NULL;
CREATE INDEX leads_by_owner ON outdial.leads (owner_agent) WHERE owner_agent IS NOT NULL;
CREATE INDEX leads_by_callback_agent ON outdial.leads (callback_agent)
  WHERE callback_agent IS NOT NULL;

CREATE TABLE outdial.dispositions (
  code text PRIMARY KEY CONSTRAINT dispositions_code_check CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
  name text NOT NULL CONSTRAINT dispositions_name_check CHECK (length(name) BETWEEN 1 AND 80),
  final boolean NOT NULL DEFAULT false,
  callback boolean NOT NULL DEFAULT false,
  retry_as text CONSTRAINT dispositions_retry_as_check CHECK (retry_as IN ('no_answer', 'busy',
    'congested', 'invalid', 'machine', 'abandoned', 'cancelled', 'failed')),
  do_not_call boolean NOT NULL DEFAULT false,
  CONSTRAINT dispositions_one_check
    CHECK (final::integer + callback::integer + (retry_as IS NOT NULL)::integer = 1)
);
COMMENT ON COLUMN outdial.dispositions.retry_as IS
  'the lead is tried again by the rule of this outcome';
ALTER TABLE outdial.dispositions ENABLE ROW LEVEL SECURITY;
INSERT INTO outdial.dispositions (code, name, final, callback, retry_as, do_not_call) VALUES
  ('sale', 'Sale', true, false, NULL, false),
  ('contacted', 'Contacted', true, false, NULL, false),
  ('not_interested', 'Not interested', true, false, NULL, false),
  ('do_not_call', 'Asked not to be called', true, false, NULL, true),
  ('wrong_number', 'Wrong number', false, false, 'invalid', false),
  ('answering_machine', 'Answering machine', false, false, 'machine', false),
  ('not_available', 'Who was wanted is not there', false, false, 'no_answer', false),
  ('callback', 'Asked to be called back', false, true, NULL, false);

ALTER TABLE outdial.attempts ADD COLUMN disposition text, ADD COLUMN note text;
CREATE INDEX attempts_by_agent ON outdial.attempts (agent_id, started_at)
  WHERE agent_id IS NOT NULL;
