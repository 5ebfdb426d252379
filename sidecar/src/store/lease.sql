-- Leases leads: the one statement that decides who may dial whom.
--
-- $1 campaign, $2 most leads, $3 node, $4 epoch, $5 expiry in ms,
-- $6 zones, $7 priorities, $8 local dates: the groups whose window is open now, best first,
-- $9 max attempts of a lead, $10 of a number, $11 of a number a day,
-- $12 seconds until a lead is looked at again whose number is claimed, $13 and whose cap is reached,
-- $14 whether it is a test campaign, whose numbers have claims and caps of their own.
--
-- Plan: for each group in order, an index scan of leads_due that stops at the limit (Limit above
-- LockRows above Nested Loop: rows that are not needed are not locked, rows that another node is
-- just taking are skipped). Then primary-key look-ups: lead_numbers by (campaign, lead),
-- do_not_call and number_guard by number. Nothing depends on the size of the tables but the depth
-- of their indexes.
--
-- number_guard is claimed in order of the number, so that two leasers can't deadlock; a number
-- that a live lease has claimed is left out. `settled` sees to it that every lead that was looked
-- at leaves the front of the queue: leased, done, or due again later.
WITH wanted AS MATERIALIZED (
  SELECT w.zone, w.priority, w.day, w.place
  FROM unnest($6::text[], $7::smallint[], $8::text[]::date[]) WITH ORDINALITY AS w (zone, priority, day, place)
  ORDER BY w.place
), picked AS MATERIALIZED (
  SELECT due.id, due.list_id, due.priority, due.attempts, due.next_position, w.place, w.day,
         nextval('outdial.lease_seq') AS lease
  FROM wanted w CROSS JOIN LATERAL (
    SELECT l.id, l.list_id, l.priority, l.attempts, l.next_position
    FROM outdial.leads l
    WHERE l.status = 'ready' AND l.campaign_id = $1::bigint AND l.time_zone = w.zone
      AND -l.priority = -w.priority AND l.next_at <= now()
    ORDER BY l.next_at
    LIMIT $2::bigint
    FOR UPDATE SKIP LOCKED) due
  LIMIT $2::bigint
), numbers AS MATERIALIZED (
  -- LIMIT keeps each look-up an index scan of its own, whatever the planner believes of the sizes.
  SELECT p.lease, p.id, p.place, n.number, n.guard, n.position, n.attempts,
         n.position < p.next_position AS later,
         d.hit IS NOT NULL AS forbidden,
         n.attempts >= $10::integer OR p.attempts >= $9::integer AS spent,
         g.hit IS NOT NULL AS capped
  FROM picked p
  CROSS JOIN LATERAL (
    SELECT number, position, attempts, outdial.guard_key(number, $14::boolean) AS guard
    FROM outdial.lead_numbers
    WHERE campaign_id = $1::bigint AND lead_id = p.id LIMIT 10) n
  LEFT JOIN LATERAL (
    SELECT true AS hit FROM outdial.do_not_call
    WHERE number = n.number AND (campaign_id IS NULL OR campaign_id = $1::bigint) LIMIT 1) d ON true
  LEFT JOIN LATERAL (
    SELECT true AS hit FROM outdial.number_guard
    WHERE number = n.guard AND day = p.day AND day_attempts >= $11::integer LIMIT 1) g ON true
), claimed AS (
  INSERT INTO outdial.number_guard AS g (number, lease_id, node, campaign_id, lead_id, claimed_at)
  SELECT c.guard, c.lease, $3::text, $1::bigint, c.id, now()
  FROM (SELECT DISTINCT ON (guard) guard, lease, id FROM numbers
        WHERE NOT forbidden AND NOT spent AND NOT capped ORDER BY guard, place, lease) c
  ORDER BY c.guard
  ON CONFLICT (number) DO UPDATE
    SET lease_id = excluded.lease_id, node = excluded.node, campaign_id = excluded.campaign_id,
        lead_id = excluded.lead_id, claimed_at = excluded.claimed_at
    WHERE g.lease_id IS NULL
  RETURNING g.number, g.lease_id
), fate AS (
  SELECT p.id, p.lease,
         count(c.number) > 0 AS leased,
         count(n.number) FILTER (WHERE NOT n.forbidden) = 0 AS forbidden,
         count(n.number) FILTER (WHERE NOT n.forbidden AND NOT n.spent) = 0 AS spent,
         count(n.number) FILTER (WHERE NOT n.forbidden AND NOT n.spent AND NOT n.capped) = 0 AS capped,
         count(n.number) = 0 AS empty
  FROM picked p
  LEFT JOIN numbers n ON n.lease = p.lease
  LEFT JOIN claimed c ON c.lease_id = p.lease AND c.number = n.guard
  GROUP BY p.id, p.lease
), settled AS (
  UPDATE outdial.leads l SET
    status = CASE WHEN f.leased THEN 'leased' WHEN f.forbidden OR f.spent THEN 'done' ELSE 'ready' END,
    reason = CASE WHEN f.leased THEN l.reason WHEN f.empty THEN 'no_number'
                  WHEN f.forbidden THEN 'do_not_call' WHEN f.spent THEN 'max_attempts' ELSE l.reason END,
    next_at = CASE WHEN f.leased OR f.forbidden OR f.spent THEN l.next_at
                   WHEN f.capped THEN now() + make_interval(secs => $13::float8)
                   ELSE now() + make_interval(secs => $12::float8) END,
    lease_id = CASE WHEN f.leased THEN f.lease END,
    lease_node = CASE WHEN f.leased THEN $3::text END,
    lease_epoch = CASE WHEN f.leased THEN $4::integer END,
    lease_expires_at = CASE WHEN f.leased THEN to_timestamp($5::bigint / 1000.0) END
  FROM fate f
  WHERE l.campaign_id = $1::bigint AND l.id = f.id
)
SELECT p.lease, p.id, p.priority, p.attempts, p.place, n.number, n.position, n.attempts AS number_attempts,
       coalesce(p.list_id, 0) AS list
FROM picked p
JOIN numbers n ON n.lease = p.lease
JOIN claimed c ON c.lease_id = p.lease AND c.number = n.guard
ORDER BY p.place, p.lease, n.later, n.position
