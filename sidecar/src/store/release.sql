-- Gives leases back: the leads are ready again, or done for the reason $2, and their numbers are
-- free. A lead that was done when its person called has a reason of its own, and is done again. $1 lease ids, $3 statuses that qualify, $4 node, $5 epoch (null: any).
WITH freed AS (
  UPDATE outdial.leads l SET
    status = CASE WHEN coalesce($2::text, l.reason) IS NULL THEN 'ready' ELSE 'done' END,
    reason = coalesce($2::text, l.reason),
    lease_id = NULL, lease_node = NULL, lease_epoch = NULL, lease_expires_at = NULL
  FROM (
    SELECT campaign_id, id, lease_id FROM outdial.leads
    WHERE lease_id = ANY ($1::bigint[]) AND status IN ('leased', 'dialing') AND status = ANY ($3::text[])
      AND lease_node = $4 AND ($5::integer IS NULL OR lease_epoch = $5)
    FOR UPDATE) old
  WHERE l.campaign_id = old.campaign_id AND l.id = old.id
  RETURNING l.campaign_id, l.id, old.lease_id
), claims AS MATERIALIZED (
  SELECT outdial.guard_key(n.number, c.test) AS number, f.lease_id
  FROM freed f
  JOIN outdial.campaigns c ON c.id = f.campaign_id
  JOIN outdial.lead_numbers n ON n.campaign_id = f.campaign_id AND n.lead_id = f.id
), locked AS MATERIALIZED (
  SELECT g.number FROM outdial.number_guard g JOIN claims c
    ON c.number = g.number AND c.lease_id = g.lease_id
  ORDER BY g.number FOR UPDATE OF g
), released AS (
  UPDATE outdial.number_guard g SET lease_id = NULL
  FROM locked l WHERE g.number = l.number
)
SELECT lease_id FROM freed
