# record.sh TYPE BODY ROLE=ENTITY...: appends one event as Ada, who says why.
type=$1
body=$2
shift 2
for reference in "$@"; do references="$references --ref $reference"; done
echo "$body" | anamnesis append --stream person/ada --type "$type" --body - $references --rationale "complaint C-17" --as ada.key
