# train.sh VERSION PURPOSE SOUP ROLE=ENTITY...: a training run and the model that it made.
version=$1
purpose=$2
soup=$3
shift 3
for reference in "$@"; do
  references="$references --ref $reference"
  case $reference in dataset=*) dataset=$reference;; esac
done
parameters='[{"name": "learning_rate", "value": "0.0005"}, {"name": "batch_size", "value": "32"}, {"name": "epochs", "value": "40"}, {"name": "early_stopping", "value": "none"}]'
echo "{\"purpose\": \"$purpose\", \"hyperparameters\": $parameters}" | anamnesis append --stream person/ada \
  --type training_run.started --body - --ref training_run=training_run:run-$version $references \
  --ref code=code_revision:training@1.4 --ref soup=soup:$soup --as ada.key &&
echo '{"changeText": "another ward"}' | anamnesis append --stream person/ada --type model.registered --body - \
  --ref model=model:alert@$version --ref training_run=training_run:run-$version --ref $dataset \
  --ref code=code_revision:training@1.4 --ref soup=soup:$soup --as ada.key
