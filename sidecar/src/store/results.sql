-- Writes finished attempts and what becomes of their leads, each once however often it is sent.
--
-- `fresh` are the attempts that this statement inserted: only they change anything. The lead
-- follows only while the lease is still its own; the number's counts follow always. A callback that
-- was set while the lead was being called, for later, stands, unless the agent has said otherwise.
-- Plan: primary-key look-ups only. number_guard is locked in order of the number.
WITH sent AS MATERIALIZED (
  SELECT r.*, coalesce(c.test, false) AS test FROM unnest(
    $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
    $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::smallint[], $13::smallint[],
    $14::text[], $15::bigint[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[],
    $19::timestamptz[], $20::timestamptz[], $21::boolean[], $22::bigint[], $23::timestamptz[],
    $24::smallint[], $25::text[], $26::text[], $27::boolean[], $28::bigint[], $29::integer[],
    $30::text[], $31::text[], $32::boolean[], $33::text[], $34::text[],
    $35::boolean[], $36::boolean[])
  AS r (attempt_id, lease_id, lead_id, campaign_id, trunk_id, number, position, legs, outcome,
        detail, sip, q850, verdict, agent_id, started_at, ringing_at, answered_at, bridged_at,
         ended_at, charged, connect_us, next_at, next_position, caller_id, status, callback,
         callback_agent, callback_tries, disposition, retry_as, do_not_call, note,
         recording, late, inbound)
  LEFT JOIN outdial.campaigns c ON c.id = r.campaign_id
), inserted AS (
  INSERT INTO outdial.attempts (attempt_id, started_at, node, campaign_id, lead_id, lease_id,
    trunk_id, number, position, legs, outcome, detail, sip, q850, verdict, agent_id, ringing_at,
    answered_at, bridged_at, ended_at, charged, connect_us, caller_id, disposition, note, recording,
    test, late, inbound)
  SELECT attempt_id, started_at, $1, campaign_id, lead_id, lease_id, trunk_id, number, position,
    legs, outcome, detail, sip, q850, verdict, agent_id, ringing_at, answered_at, bridged_at,
    ended_at, charged, connect_us, caller_id, disposition, note, recording, test, late,
    inbound
  FROM sent
  ON CONFLICT (attempt_id, started_at) DO NOTHING
  RETURNING attempt_id, started_at
), fresh AS MATERIALIZED (
  SELECT s.* FROM sent s JOIN inserted i USING (attempt_id, started_at)
), followed AS (
  UPDATE outdial.leads l SET
    status = CASE WHEN coalesce(f.next_at, later.at) IS NULL THEN 'done' ELSE 'ready' END,
    reason = CASE WHEN later.at IS NULL THEN f.status END,
    next_at = coalesce(later.at, f.next_at, l.next_at),
    next_position = coalesce(f.next_position, l.next_position),
    attempts = l.attempts + f.charged::integer,
    dialed_at = CASE WHEN f.legs = 0 THEN l.dialed_at ELSE greatest(l.dialed_at, f.started_at) END,
    last_outcome = CASE WHEN f.legs = 0 AND NOT talked.yes THEN l.last_outcome ELSE coalesce(f.retry_as, f.outcome) END,
    last_count = CASE WHEN f.legs = 0 AND NOT talked.yes THEN l.last_count
                      WHEN l.last_outcome = coalesce(f.retry_as, f.outcome) THEN l.last_count + 1
                      ELSE 1 END,
    callback_at = CASE WHEN f.callback THEN f.next_at ELSE later.at END,
    callback_agent = CASE WHEN f.callback THEN
                            (SELECT a.id FROM outdial.agents a WHERE a.id = f.callback_agent)
                          WHEN later.at IS NOT NULL THEN l.callback_agent END,
    callback_tries = CASE WHEN f.callback THEN f.callback_tries ELSE 0 END,
    callback_note = CASE WHEN f.callback THEN coalesce(f.note, l.callback_note)
                         WHEN later.at IS NOT NULL THEN l.callback_note END,
    lease_id = NULL, lease_node = NULL, lease_epoch = NULL, lease_expires_at = NULL
  FROM fresh f
  JOIN outdial.leads old ON old.campaign_id = f.campaign_id AND old.id = f.lead_id
  CROSS JOIN LATERAL (SELECT CASE WHEN f.disposition IS NULL AND NOT f.callback
    AND old.callback_at > f.ended_at THEN old.callback_at END AS at) later
  -- Who has called and was served was reached.
  CROSS JOIN LATERAL (SELECT f.inbound AND f.outcome = 'completed' AS yes) talked
  WHERE l.campaign_id = f.campaign_id AND l.id = f.lead_id AND l.lease_id = f.lease_id
    AND l.status IN ('leased', 'dialing')
  RETURNING l.id
), forbidden AS (
  INSERT INTO outdial.do_not_call (number, campaign_id, reason)
  SELECT DISTINCT number, NULL::bigint, disposition FROM fresh WHERE do_not_call AND NOT test ORDER BY number
  ON CONFLICT (number, coalesce(campaign_id, 0)) DO NOTHING
), counted AS (
  UPDATE outdial.lead_numbers n SET attempts = n.attempts + 1
  FROM fresh f
  WHERE f.charged AND n.campaign_id = f.campaign_id AND n.lead_id = f.lead_id
    AND n.position = f.position
), days AS (
  -- Who was abandoned has answered, and so has who hung up while waiting. Whose agent came after the
  -- limit counts as abandoned.
  INSERT INTO outdial.campaign_days AS d (campaign_id, day, answered, abandoned)
  SELECT campaign_id, (started_at AT TIME ZONE 'UTC')::date, count(*),
         count(*) FILTER (WHERE outcome = 'abandoned' OR late)
  FROM fresh
  WHERE NOT test AND NOT inbound AND answered_at IS NOT NULL AND outcome IN ('completed', 'abandoned')
  GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (campaign_id, day) DO UPDATE SET
    answered = d.answered + excluded.answered, abandoned = d.abandoned + excluded.abandoned
), hours AS (
  INSERT INTO outdial.caller_id_hours AS h (caller_id, hour, shown)
  SELECT caller_id, date_trunc('hour', started_at), count(*) FROM fresh
  WHERE NOT test AND NOT inbound AND caller_id <> ''
  GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (caller_id, hour) DO UPDATE SET shown = h.shown + excluded.shown
), touched AS MATERIALIZED (
  -- The number that was dialed, and the lead's other numbers, which the lease had claimed too.
  SELECT number, max(lease_id) AS lease_id, max(day) AS day, sum(count)::integer AS count,
         max(started_at) AS started_at, array_agg(lease_id) AS leases
  FROM (
    SELECT outdial.guard_key(f.number, f.test) AS number, f.lease_id, f.charged::integer AS count,
           CASE WHEN NOT f.inbound THEN f.started_at END AS started_at,
           (f.started_at AT TIME ZONE coalesce(nullif(l.time_zone, ''), c.time_zone, 'UTC'))::date AS day
    FROM fresh f
    LEFT JOIN outdial.leads l ON l.campaign_id = f.campaign_id AND l.id = f.lead_id
    LEFT JOIN outdial.campaigns c ON c.id = f.campaign_id
    UNION ALL
    SELECT outdial.guard_key(n.number, f.test), f.lease_id, 0, NULL, NULL
    FROM fresh f
    JOIN outdial.lead_numbers n ON n.campaign_id = f.campaign_id AND n.lead_id = f.lead_id
      AND n.number <> f.number
  ) t
  GROUP BY number
  ORDER BY number
), locked AS MATERIALIZED (
  SELECT g.number FROM outdial.number_guard g JOIN touched t USING (number)
  ORDER BY g.number FOR UPDATE OF g
), released AS (
  UPDATE outdial.number_guard g SET
    lease_id = CASE WHEN g.lease_id = ANY (t.leases) THEN NULL ELSE g.lease_id END,
    day = CASE WHEN t.count > 0 THEN greatest(g.day, t.day) ELSE g.day END,
    day_attempts = CASE WHEN t.count = 0 OR g.day > t.day THEN g.day_attempts
                        WHEN g.day = t.day THEN g.day_attempts + t.count ELSE t.count END,
    total_attempts = g.total_attempts + t.count,
    last_attempt_at = greatest(g.last_attempt_at, t.started_at)
  FROM touched t JOIN locked USING (number)
  WHERE g.number = t.number
)
SELECT (SELECT count(*) FROM inserted), (SELECT count(*) FROM followed)
